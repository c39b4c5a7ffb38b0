"""Points that fill a cube of many dimensions more evenly than random ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

__all__ = ["sobol_sequence"]

BITS = 30
# so often a dimension is drawn again whose points would be another's
ATTEMPTS = 16


def sobol_sequence(count: int, dimensions: int, seed: int) -> NDArray[np.float64]:
    """The first `count` points of a Sobol' sequence, (count, dimensions), in [0, 1).

    Sobol', 1967; directions by the recurrence of Bratley & Fox, Algorithm 659, 1988, equation 2, their first ones drawn
    at random (Jaeckel, Monte Carlo Methods in Finance, 2002, section 8.3), all points moved by a random digital shift.
    Of 2^k points, along each axis one lies in each 2^k-th.

    Args:
        count: best a power of two.
        dimensions: any number.
        seed: of directions and shift.
    """
    random = np.random.default_rng(seed)
    used = max(1, (count - 1).bit_length())
    polynomials = _primitive_polynomials()
    seen: set[tuple[int, ...]] = set()
    directions = np.zeros((BITS, dimensions), dtype=np.int64)
    for dimension in range(dimensions):
        polynomial = next(polynomials) if dimension else 1
        # few points tell few dimensions apart: what two share would look like an effect of both
        drawn = (_directions(polynomial, random) for _ in range(ATTEMPTS))
        first = next(drawn)
        column = next((each for each in chain([first], drawn) if _shown(each, used) not in seen), first)
        seen.add(_shown(column, used))
        directions[:, dimension] = column << np.arange(BITS - 1, -1, -1)
    numbers = np.arange(count)
    points = np.broadcast_to(random.integers(0, 2**BITS, dimensions), (count, dimensions)).copy()
    for bit in range(used):
        points ^= (numbers >> bit & 1)[:, None] * directions[bit]
    return points / 2.0**BITS


def _shown(column: NDArray[np.int64], used: int) -> tuple[int, ...]:
    """What the points make of a dimension's directions."""
    return tuple(int(each) for each in column[:used])


def _directions(polynomial: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The odd numbers m_1, m_2, ... with m_i < 2^i."""
    degree = polynomial.bit_length() - 1
    found = [2 * int(random.integers(0, 2**place)) + 1 for place in range(degree)]
    if degree == 0:
        return np.ones(BITS, dtype=np.int64)
    for place in range(degree, BITS):
        number = found[place - degree] ^ (found[place - degree] << degree)
        for term in range(1, degree):
            if polynomial >> (degree - term) & 1:
                number ^= found[place - term] << term
        found.append(number)
    return np.array(found, dtype=np.int64)


def _primitive_polynomials() -> Iterator[int]:
    """Over the field of two elements, by degree: the powers of x modulo one of degree d are all 2^d - 1 polynomials."""
    degree = 1
    while True:
        order = 2**degree - 1
        divisors = [order // prime for prime in _primes_of(order)]
        for polynomial in range(2**degree + 1, 2 ** (degree + 1), 2):
            if _power(order, polynomial) == 1 and all(_power(each, polynomial) != 1 for each in divisors):
                yield polynomial
        degree += 1


def _power(exponent: int, modulus: int) -> int:
    """x^exponent modulo a polynomial; bit i is the coefficient of x^i."""
    result = 1
    for bit in bin(exponent)[2:]:
        result = _remainder(_product(result, result), modulus)
        if bit == "1":
            result = _remainder(result << 1, modulus)
    return result


def _product(one: int, other: int) -> int:
    found = 0
    while other:
        found ^= one * (other & 1)
        one, other = one << 1, other >> 1
    return found


def _remainder(value: int, modulus: int) -> int:
    while value.bit_length() >= modulus.bit_length():
        value ^= modulus << (value.bit_length() - modulus.bit_length())
    return value


def _primes_of(number: int) -> list[int]:
    found, divisor = [], 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            found.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    # 1 where the degree is 1: the only power
    return [*found, number] if number > 1 else found
