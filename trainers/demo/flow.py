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

__all__ = ["carry_out", "run_command", "run_demo", "say", "without_missing_mnist"]

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
        failed |= carry_out(step, f"[{number}/{len(steps)}]")
    sum_up(plan)
    return failed


def say(line: str, *, bold: bool = False) -> None:
    """Progress goes to stderr, at once: steps in other processes write there too."""
    click.secho(line, bold=bold, err=True)
    sys.stderr.flush()


def without_missing_mnist(plan: Plan) -> Plan:
    """The plan, without the MNIST model where its data cannot be had; says so."""
    if not any(model.endswith("-mnist") for model in plan.models):
        return plan
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
    if step.done():
        say(f"{place} {step.title}: done already")
        return False
    arguments = step.arguments()
    say(f"{place} {step.title}", bold=True)
    say(f"  $ onnxlens {shlex.join(arguments)}")
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
