"""Right-hand sides of Lorenz-96 on a ring of any length, and of Lorenz-63."""

from __future__ import annotations


def ring(t, x, u, theta, dx):
    """dx_i/dt = (x_(i+1) - x_(i-2)) x_(i-1) - x_i + F, indices on a ring."""
    last, forcing = len(x) - 1, theta[0]
    dx[0] = (x[1] - x[last - 1]) * x[last] - x[0] + forcing
    dx[1] = (x[2] - x[last]) * x[0] - x[1] + forcing
    for i in range(2, last):
        dx[i] = (x[i + 1] - x[i - 2]) * x[i - 1] - x[i] + forcing
    dx[last] = (x[0] - x[last - 2]) * x[last - 1] - x[last] + forcing


def butterfly(t, x, u, theta, dx):
    """Lorenz-63."""
    X, Y, Z = x
    sigma, rho, beta = theta
    dx[0] = sigma * (Y - X)
    dx[1] = X * (rho - Z) - Y
    dx[2] = X * Y - beta * Z


def first(t, x, u, theta, y):
    """The first variable."""
    y[0] = x[0]
