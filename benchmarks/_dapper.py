"""DAPPER's parts of one cycle on Lorenz-96, called directly, so that neither its statistics nor its progress bar count.

DAPPER holds members in rows; it is given copies, since some of its methods write into what they are given."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

HOW = "make bench"
STEP = 0.05


@dataclass(frozen=True)
class Dapper:
    """One forecast step and three analyses of members (N, n) given a measured vector (m,)."""

    step: Callable[[Any], Any]
    etkf: Callable[[Any, Any], Any]
    letkf: Callable[[Any, Any], Any]
    eakf: Callable[[Any, Any], Any]


def dapper(n: int, every: int, radius: float) -> Dapper:
    """Lorenz-96 with n variables, each `every`-th measured with variance 1; Gaspari-Cohn taper of DAPPER's radius.

    Local analyses are made for one variable at a time, and serial ones in the order of the observables."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # importing it prints a line
        warnings.simplefilter("ignore")
        import dapper.da_methods.ensemble as methods
        import dapper.tools.progressbar as progress
        from dapper import mods
        from dapper.mods.Lorenz96 import step
        from dapper.tools.localization import nd_Id_localization
    progress.disable_progbar = True
    at = np.arange(0, n, every)
    observed = mods.partial_Id_Obs(n, at)
    error = mods.GaussRV(C=1.0, M=at.size)
    localizer = nd_Id_localization((n,), (1,), at)

    def etkf(members: Any, y: Any) -> Any:
        return methods.EnKF_analysis(members, members[:, at], error, y, "Sqrt")

    def letkf(members: Any, y: Any) -> Any:
        batches, taper = localizer(radius, "x2y", "GC")
        return methods.local_analyses(members.copy(), members[:, at], error.C, y, batches, taper)[0]

    operator = mods.Operator(**{**observed, "noise": error, "localizer": localizer})

    def eakf(members: Any, y: Any) -> Any:
        kept: list[Any] = []
        filter_ = SimpleNamespace(
            N=len(members), loc_rad=radius, taper="GC", ordr="mono", infl=1.0, rot=False, fnoise_treatm="none",
            stats=SimpleNamespace(assess=lambda *_, E: kept.append(E)),
        )  # fmt: skip
        still = mods.Operator(n, model=lambda members, t, dt: members, noise=0)
        setting = SimpleNamespace(
            X0=SimpleNamespace(sample=lambda count: members.copy()),
            tseq=SimpleNamespace(ticker=[(1, 0, STEP, STEP)]),
            Dyn=still,
            Obs=lambda at: operator,
        )
        methods.SL_EAKF.assimilate.__wrapped__(filter_, setting, None, [y])
        return kept[-1]

    return Dapper(lambda members: step(members, np.nan, STEP), etkf, letkf, eakf)
