"""Carrying out the demonstration: step after step, each in a process of its own, each told before it begins."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace

import click

from trainers.data.mnist import locate
from trainers.demo.plan import Plan
from trainers.demo.steps import Step, model_title, run_folder, steps_for
from trainers.errors import DataUnavailable, TrainerError

__all__ = ["carry_out", "run_commands", "run_demo", "say", "without_missing_mnist"]

PATIENCE = 10
"""Seconds that an interrupted step has to put its files in order."""


def run_demo(plan: Plan) -> bool:
    """Carry out the plan; whether a gradient check failed on the way.

    Raises TrainerError where a step fails, KeyboardInterrupt where the user stops it.
    """
    plan = without_missing_mnist(plan)
    steps = steps_for(plan)
    failed = False
    for number, step in enumerate(steps, 1):
        failed |= carry_out(step, f"[{number}/{len(steps)}]", quiet=plan.quiet)
    sum_up(plan)
    return failed


def say(line: str, *, bold: bool = False) -> None:
    """Progress goes to stderr, at once: steps in other processes write there too."""
    click.secho(line, bold=bold, err=True)
    sys.stderr.flush()


def without_missing_mnist(plan: Plan) -> Plan:
    """The plan, without the MNIST model where its data cannot be had; says so.

    Raises DataUnavailable where a folder was named that has not got it.
    """
    if not any(model.endswith("-mnist") for model in plan.models):
        return plan
    if not plan.quiet:
        say("MNIST: looking in the folder given, the cache, then the network")
    try:
        _, sources = locate(plan.mnist_dir)
    except DataUnavailable as error:
        if plan.mnist_dir is not None:
            raise
        say(f"Note: going on without MNIST. {error}")
        return replace(plan, models=tuple(model for model in plan.models if not model.endswith("-mnist")))
    if not plan.quiet:
        say(f"  verified, from {', '.join(sources)}")
    return plan


def carry_out(step: Step, place: str, *, quiet: bool = False) -> bool:
    """Run a step that is not done yet; whether a gradient check failed in it."""

    def tell(line: str, *, bold: bool = False) -> None:
        if not quiet:
            say(line, bold=bold)

    if step.done():
        tell(f"{place} {step.title}: done already")
        return False
    tell(f"{place} {step.title}", bold=True)
    step.before()
    commands = step.commands()
    for command in commands:
        tell(f"  $ onnxlens {shlex.join(command)}")
    codes = run_commands(commands, show=step.figures is None and not quiet)
    if 130 in codes:
        raise KeyboardInterrupt
    accepted = {0, 1} if step.check else {0}
    for command, code in zip(commands, codes, strict=True):
        if code not in accepted:
            raise TrainerError(
                f"`onnxlens {shlex.join(command)}` ended with exit code {code}; what it said stands above. "
                "The same demo command goes on from here"
            )
    step.after()
    if step.figures is not None:
        tell(f"  {len(list(step.figures.rglob('*.png')))} figures in {step.figures}")
    return 1 in codes


def run_commands(commands: list[list[str]], *, show: bool = True) -> list[int]:
    """Run `onnxlens` at the same time with each list of arguments, in processes of their own; their exit codes.

    What they print joins the progress, or is dropped.
    """
    stdout = 2 if show else subprocess.DEVNULL
    processes = [
        # -P: not a package that happens to lie in the current folder
        subprocess.Popen([sys.executable, "-P", "-m", "inspector", *command], stdout=stdout)
        for command in commands
    ]
    try:
        return [process.wait() for process in processes]
    except KeyboardInterrupt:
        # a Ctrl-C on the terminal reaches them as well: they save what they have, then end by themselves
        for process in processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
        raise


def sum_up(plan: Plan) -> None:
    """What there is now, on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Test accuracy", title_justify="left", show_header=False)
    for model, framework in plan.pairs:
        path = run_folder(plan, model, framework) / "metrics.json"
        accuracy = json.loads(path.read_text(encoding="utf-8"))["accuracy"]
        table.add_row(model_title(model, framework), f"{accuracy:.2%}")
    Console(highlight=False).print(table)
    click.echo(f"Models:  {plan.out / 'runs' / '*' / 'model.onnx'}")
    click.echo(f"Figures: {plan.out / 'figures'}")
    click.echo(f"Report:  {plan.out / 'report.html'}")
