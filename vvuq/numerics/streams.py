"""Random numbers keyed by what they are for: (seed, stream, patient, cycle, purpose).

A key is all that decides a draw. Threads, the order of a batch and what else was drawn cannot change it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from vvuq.record import Floats


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one patient in one stream of a seed.

    Philox (Salmon et al., SC11, 2011) with the digest of (seed, stream, patient) as its key; a cycle and a purpose
    choose where its counter begins, 2^128 draws apart."""

    seed: int
    stream: str
    patient: str = ""

    def generator(self, cycle: int, purpose: str) -> np.random.Generator:
        """A generator at the first draw of one purpose in one cycle."""
        key = _words(repr((self.seed, self.stream, self.patient)), 2)
        counter = np.array([0, 0, cycle, _words(purpose, 1)[0]], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    def normal(self, cycle: int, purpose: str, shape: tuple[int, ...]) -> Floats:
        """Standard normal draws."""
        return self.generator(cycle, purpose).standard_normal(shape)

    def uniform(self, cycle: int, purpose: str, shape: tuple[int, ...] = ()) -> Floats:
        """Draws between 0 (included) and 1."""
        return np.asarray(self.generator(cycle, purpose).random(shape))


def _words(text: str, count: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The first 64-bit words of a text's digest, the same on every machine."""
    return np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u8")[:count].astype(np.uint64)
