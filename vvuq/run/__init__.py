"""The only orchestrator: plan -> analyses, each with a Context of its own -> evidence -> verdicts -> page."""

from vvuq.run.context import RunContext
from vvuq.run.execute import Step, log_path, run_study
from vvuq.run.study import Study, open_study

__all__ = ["RunContext", "Step", "Study", "log_path", "open_study", "run_study"]
