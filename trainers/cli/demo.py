"""`onnxlens demo`: from nothing to the report. Every step is a public command, printed so that it can be repeated."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from inspector.report import ReportSummary
    from trainers.demo import Plan, Step

__all__ = ["demo", "run_demo"]

PATIENCE = 10
"""Seconds that an interrupted step has to put its files in order."""


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
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.pass_context
def demo(
    ctx: click.Context, out: Path, framework: str, full: bool, mnist_dir: Path | None, seed: int
) -> None:
    """From nothing to the report: data, six trainings, export, figures, one HTML page.

    What is finished is skipped: after Ctrl-C the same command goes on where it stopped.
    """
    from trainers.demo import Plan
    from trainers.demo.plan import FULL, REDUCED, installed_frameworks

    frameworks, notes = installed_frameworks(framework)
    for line in notes:
        say(f"Note: {line}.")
    plan = Plan(out, frameworks, size=FULL if full else REDUCED, seed=seed, mnist_dir=mnist_dir)
    if run_demo(plan):
        ctx.exit(1)


def run_demo(plan: Plan) -> bool:
    """Carry out the plan; whether a gradient check failed on the way.

    Raises TrainerError where a step fails, KeyboardInterrupt where the user stops it.
    """
    from trainers.demo import run_folder, steps_for

    plan = without_missing_mnist(plan)
    steps = steps_for(plan)
    total = len(steps) + 1
    failed = False
    for number, step in enumerate(steps, 1):
        failed |= carry_out(step, f"[{number}/{total}]")
    folders = [run_folder(plan, model, framework) for model, framework in plan.pairs]
    say(f"[{total}/{total}] The report", bold=True)
    say(f"  $ onnxlens report {' '.join(map(str, folders))} --out {plan.out / 'report.html'}")
    summary = write_report(folders, plan.out / "report.html")
    sum_up(plan, folders, summary)
    return failed or summary.failed_checks > 0


def say(line: str, *, bold: bool = False) -> None:
    """Progress goes to stderr, at once: steps in other processes write there too."""
    click.secho(line, bold=bold, err=True)
    sys.stderr.flush()


def without_missing_mnist(plan: Plan) -> Plan:
    """The plan, without the MNIST model where its data cannot be had; says so."""
    if not any(model.endswith("-mnist") for model in plan.models):
        return plan
    from trainers.data.mnist import locate
    from trainers.errors import DataUnavailable

    say("MNIST: looking in the folder given, the cache, then the network")
    try:
        _, sources = locate(plan.mnist_dir)
    except DataUnavailable as error:
        say(f"Note: going on without MNIST. {error}")
        return replace(plan, models=tuple(model for model in plan.models if not model.endswith("-mnist")))
    say(f"  verified, from {', '.join(sources)}")
    return plan


def carry_out(step: Step, place: str) -> bool:
    """Run a step that is not done yet; whether a gradient check failed in it."""
    from trainers.errors import TrainerError

    if step.done():
        say(f"{place} {step.title}: done already")
        return False
    arguments = step.arguments()
    say(f"{place} {step.title}", bold=True)
    say(f"  $ onnxlens {' '.join(shown(argument) for argument in arguments)}")
    code = run_command(arguments, show=step.figures is None)
    if code == 130:
        raise KeyboardInterrupt
    check_failed = step.check and code == 1
    if code != 0 and not check_failed:
        raise TrainerError(
            f"the step '{step.title}' ended with exit code {code}; what it said stands above. "
            "The same command goes on from here"
        )
    step.after()
    if step.figures is not None:
        say(f"  {len(list(step.figures.glob('*.png')))} figures in {step.figures}")
    return check_failed


def run_command(arguments: list[str], *, show: bool = True) -> int:
    """Run `onnxlens` in a process of its own; its exit code. What it prints joins the progress, or is dropped."""
    process = subprocess.Popen(
        [sys.executable, "-m", "inspector", *arguments], stdout=2 if show else subprocess.DEVNULL
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        # a Ctrl-C on the terminal reaches the step as well: it saves what it has, then ends by itself
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        raise


def shown(argument: str) -> str:
    """As it would be typed."""
    import shlex

    return shlex.quote(argument)


def write_report(folders: list[Path], out: Path) -> ReportSummary:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from inspector.report import report_runs

    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def advance(done: int, total: int, step: str) -> None:
            bar.update(task, completed=done, total=total, description=step)

        return report_runs(folders, out, advance=advance)


def sum_up(plan: Plan, folders: list[Path], summary: ReportSummary) -> None:
    """What there is now, on stdout."""
    import json

    from rich.console import Console
    from rich.table import Table

    from trainers.demo.steps import model_title

    table = Table(title="Test accuracy", title_justify="left", show_header=False)
    for (model, framework), folder in zip(plan.pairs, folders, strict=True):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        table.add_row(model_title(model, framework), f"{metrics['accuracy']:.2%}")
    Console(highlight=False).print(table)
    held = sum(claim.verdict == "holds" for claim in summary.claims)
    measured = sum(claim.verdict != "not measured" for claim in summary.claims)
    checks = summary.checks
    others = "".join(
        f", {count} {verdict}" for verdict, count in sorted(checks.items()) if verdict != "passed"
    )
    click.echo(f"Gradient checks: {checks.get('passed', 0)} of {sum(checks.values())} passed{others}")
    click.echo(f"Inferences of the source report: {held} of {measured} measured hold")
    for line in summary.absent:
        click.echo(line)
    click.echo(f"Models:  {plan.out / 'runs' / '*' / 'model.onnx'}")
    click.echo(f"Figures: {plan.out / 'figures'}")
    click.echo(f"Report:  {summary.path} ({summary.size / 1e6:.1f} MB)")
