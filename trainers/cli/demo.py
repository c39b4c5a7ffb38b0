"""`onnxlens demo`: from nothing to the report. Every step is a public command, printed so that it can be repeated."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["demo"]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="onnxlens-demo",
    show_default=True,
    metavar="DIR",
    help="Folder for runs, figures and the report.",
)
@click.option(
    "--framework", type=click.Choice(["torch", "tensorflow", "both"]), default="both", show_default=True
)
@click.option("--full", is_flag=True, help="Train on all data (about an hour on two cores), not on a part.")
@click.option("--mnist-dir", type=click.Path(path_type=Path), help="Folder with the four MNIST files.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the trainings.")
@click.option("--provider", metavar="NAME", help="Inspect on cpu, cuda, ... (default: cuda where it works).")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads.  [default: all]")
@click.option("-q", "--quiet", is_flag=True, help="Only the summary.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.pass_context
def demo(
    ctx: click.Context,
    out: Path,
    framework: str,
    full: bool,
    mnist_dir: Path | None,
    seed: int,
    provider: str | None,
    threads: int | None,
    quiet: bool,
) -> None:
    """From nothing to the report: data, six trainings, export, figures, one HTML page.

    What is finished is skipped: after Ctrl-C the same command goes on where it stopped.
    """
    from trainers.demo import flow
    from trainers.demo.plan import FULL, REDUCED, Plan, installed_frameworks

    frameworks, notes = installed_frameworks(framework)
    for line in notes:
        flow.say(f"Note: {line}.")
    plan = Plan(
        out,
        frameworks,
        size=FULL if full else REDUCED,
        seed=seed,
        mnist_dir=mnist_dir,
        provider=provider,
        threads=threads,
        quiet=quiet,
    )
    if flow.run_demo(plan):
        ctx.exit(1)
