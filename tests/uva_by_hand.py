"""UVA/Padova written once more, from the published equations and nothing of the twin: plain numbers, minute by minute.

Insulin in pmol/kg, as published; another solver, stopped at every minute, at a tolerance of 1e-10."""

from __future__ import annotations

from math import tanh

import numpy as np
from scipy.integrate import solve_ivp

TOLERANCE = 1e-10


def derived(p):
    """The parameters that follow from the basal state, at which nothing changes."""
    Gpb, HE = p["Gb"] * p["Vg"], p["HEb"]
    Gtb = (p["Fcns"] - p["EGPb"] + p["k1"] * Gpb) / p["k2"]
    Ipb = p["Ib"] * p["Vi"]
    m30 = HE * p["m1"] / (1 - HE)
    m4 = (1 - HE) * p["m2"]
    Ilb = p["m2"] * Ipb / (p["m1"] + m30)
    basal = (p["m2"] + m4) * Ipb - p["m1"] * Ilb
    Isc1 = basal / (p["kd"] + p["ka1"])
    more = {
        "kp1": p["EGPb"] + p["kp2"] * Gpb + p["kp3"] * p["Ib"],
        "Vm0": (p["EGPb"] - p["Fcns"]) * (p["Km0"] + Gtb) / Gtb,
        "m30": m30,
        "m4": m4,
    }
    start = [0, 0, 0, Gpb, Gtb, Ipb, 0, p["Ib"], p["Ib"], Ilb, Isc1, p["kd"] * Isc1 / p["ka2"], Gpb]
    return {**p, **more}, np.array(start, dtype=float), basal


def slopes(x, p, weight, eaten, insulin, stomach):
    """dx/dt; eaten [mg/min], insulin [pmol/kg/min], stomach: what the stomach emptying refers to [mg]."""
    solid, liquid, gut, Gp, Gt, Ip, X, I1, Id, Il, S1, S2, Gs = x
    emptying = p["kmax"]
    if stomach > 0:
        alpha, beta = 5 / (2 * stomach * (1 - p["b"])), 5 / (2 * stomach * p["d"])
        q = solid + liquid
        bend = tanh(alpha * (q - p["b"] * stomach)) - tanh(beta * (q - p["d"] * stomach))
        emptying = p["kmin"] + (p["kmax"] - p["kmin"]) / 2 * (bend + 2)
    appears = p["f"] * p["kabs"] * gut / weight
    produced = max(0.0, p["kp1"] - p["kp2"] * Gp - p["kp3"] * Id)
    excreted = p["ke1"] * (Gp - p["ke2"]) if Gp > p["ke2"] else 0.0
    used = (p["Vm0"] + p["Vmx"] * X) * Gt / (p["Km0"] + Gt)
    insulin_level = Ip / p["Vi"]
    found = [
        eaten - p["kmax"] * solid,
        p["kmax"] * solid - emptying * liquid,
        emptying * liquid - p["kabs"] * gut,
        produced + appears - p["Fcns"] - excreted - p["k1"] * Gp + p["k2"] * Gt,
        p["k1"] * Gp - p["k2"] * Gt - used,
        p["m1"] * Il + p["ka1"] * S1 + p["ka2"] * S2 - (p["m2"] + p["m4"]) * Ip,
        p["p2u"] * (insulin_level - p["Ib"] - X),
        p["ki"] * (insulin_level - I1),
        p["ki"] * (I1 - Id),
        p["m2"] * Ip - (p["m1"] + p["m30"]) * Il,
        insulin - (p["kd"] + p["ka1"]) * S1,
        p["kd"] * S1 - p["ka2"] * S2,
        p["ksc"] * (Gp - Gs),
    ]
    for i in (3, 4, 5, 9, 10, 11, 12):
        if x[i] < 0 and found[i] < 0:
            found[i] = 0.0
    return found


def course(p, weight, minutes, meals, insulin):
    """The states (minutes + 1, 13) from the basal one on. meals {minute: g}; insulin(minute) [pmol/kg/min]."""
    p, x, _ = derived(p)
    found, waiting, before, stomach = [x], 0.0, 0.0, 0.0
    for minute in range(minutes):
        waiting += meals.get(minute, 0.0)
        bite = min(5.0, waiting)
        waiting -= bite
        if bite > 0 and before == 0:
            stomach = x[0] + x[1]
        stomach += 1000 * bite
        before, given = bite, insulin(minute)
        span = (minute, minute + 1.0)
        field = lambda t, y: slopes(y, p, weight, 1000 * bite, given, stomach)  # noqa: E731, B023
        x = solve_ivp(field, span, x, method="DOP853", rtol=TOLERANCE, atol=TOLERANCE).y[:, -1]
        found.append(x)
    return np.array(found)
