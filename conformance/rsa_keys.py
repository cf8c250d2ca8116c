#!/usr/bin/env python3
"""RSA key pairs in thousands: each condition of FIPS 186-5, section A.1, calculated by GMP, and how primes are spread."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import erfc, exp, gamma, sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gmpy2
from gmpy2 import mpz

from lib import ck
from lib.ceremony import fresh_token, own_folder, read_arguments
from lib.pkcs11 import Session
from lib.report import Group, Report, require

# bits of the modulus | how many pairs | the public exponent, if it is not 65537
PLAN = (
    (1024, 2000, None),
    (1024, 100, 3 * 5 * 7 * 11 * 13 * 17),
    (1024, 20, 2**256 - 1),
    (1032, 200, None),
    (1272, 100, None),
    (2040, 40, None),
    (2048, 100, None),
    (3072, 20, None),
    (4096, 8, None),
)

# GMP: the test of Baillie, Pomerance, Selfridge and Wagstaff, then so many rounds of Miller and Rabin's above 24
PRIMALITY = 30

# Cells of a distribution; of an even number, so that the degrees of freedom are odd.
CELLS = 16

# A generator that is right falls below this once in a thousand million runs.
LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Numbers:
    """A private key, as its attributes have it."""

    n: mpz
    e: mpz
    d: mpz
    p: mpz
    q: mpz
    dp: mpz
    dq: mpz
    qinv: mpz


ATTRIBUTES = (
    ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT, ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1, ck.CKA_PRIME_2,
    ck.CKA_EXPONENT_1, ck.CKA_EXPONENT_2, ck.CKA_COEFFICIENT,
)


def main() -> None:
    """Makes the keys of the plan; then looks at all of them together."""
    setting = read_arguments(__doc__.splitlines()[0])
    primes: list[mpz] = []
    with Report() as report, own_folder(), fresh_token(setting) as session:
        with report.group("the check itself") as group:
            trial(group, session)
        for bits, count, exponent in PLAN:
            with report.group(f"RSA-{bits}, e of {mpz(exponent or 65537).bit_length()} bits") as group:
                for number in range(count):
                    with group.case(str(number)):
                        key = pair(session, bits, exponent)
                        check(key, bits, mpz(exponent or 65537))
                        primes += key.p, key.q
        with report.group("all together") as group:
            spread(group, primes)


def pair(session: Session, bits: int, exponent: int | None) -> Numbers:
    """A session key pair, whose halves agree on n and e."""
    public: list[tuple[int, bool | int | bytes]] = [(ck.CKA_TOKEN, False), (ck.CKA_MODULUS_BITS, bits)]
    if exponent:
        public.append((ck.CKA_PUBLIC_EXPONENT, exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")))
    private = [(ck.CKA_TOKEN, False), (ck.CKA_SENSITIVE, False), (ck.CKA_EXTRACTABLE, True)]
    outer, inner = session.generate_pair(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, public, private)
    numbers = Numbers(*(mpz(int.from_bytes(session.attribute(inner, kind), "big")) for kind in ATTRIBUTES))
    for kind in (ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT):
        require(session.attribute(outer, kind) == session.attribute(inner, kind), "the halves differ")
    session.destroy(outer)
    session.destroy(inner)
    return numbers


def check(key: Numbers, bits: int, exponent: mpz) -> None:
    """Sections A.1.1 and A.1.3, and RFC 8017 section 3.2 for the CRT values."""
    require(key.e == exponent and 2**16 < key.e < 2**256 and gmpy2.is_odd(key.e), "e")
    for name, prime in (("p", key.p), ("q", key.q)):
        require(prime.bit_length() == bits // 2, f"{name} has {prime.bit_length()} bits")
        require(prime * prime >= mpz(2) ** (bits - 1), f"{name} is below √2 · 2^(nlen/2 - 1)")
        require(gmpy2.is_prime(prime, PRIMALITY), f"{name} is not prime")
        require(gmpy2.gcd(prime - 1, key.e) == 1, f"{name} - 1 and e have a common factor")
    require(abs(key.p - key.q) > mpz(2) ** (bits // 2 - 100), "p and q are too close")
    require(key.n == key.p * key.q and key.n.bit_length() == bits, "n")
    lcm = gmpy2.lcm(key.p - 1, key.q - 1)
    require(mpz(2) ** (bits // 2) < key.d < lcm, "d is too small, or not reduced")
    require(key.e * key.d % lcm == 1, "d is not the inverse of e")
    require(key.dp == key.d % (key.p - 1) and key.dq == key.d % (key.q - 1), "exponents 1 and 2")
    require(0 < key.qinv < key.p and key.q * key.qinv % key.p == 1, "the coefficient")


def trial(group: Group, session: Session) -> None:
    """A key passes; with one condition missed it does not."""
    bits, exponent = 1024, mpz(65537)
    key = pair(session, bits, None)
    with group.case("a key"):
        check(key, bits, exponent)
    for complaint, wrong in faulty(key):
        with group.case(complaint):
            try:
                check(wrong, bits, exponent)
            except AssertionError as error:
                require(str(error).startswith(complaint), f"noticed as: {error}")
            else:
                raise AssertionError("not noticed")


def faulty(key: Numbers) -> Iterator[tuple[str, Numbers]]:
    """Keys with one fault each, and how the complaint begins."""
    lcm = gmpy2.lcm(key.p - 1, key.q - 1)
    neighbour = gmpy2.next_prime(key.p)
    yield "e", replace(key, e=mpz(65539))
    yield "p has", of_primes(key, gmpy2.next_prime(key.p << 1), key.q)
    yield "q is below", of_primes(key, key.p, gmpy2.next_prime(mpz(2) ** 511))
    yield "p is not prime", of_primes(key, next(p for p in (key.p + 2, key.p + 4) if not gmpy2.is_prime(p)), key.q)
    yield "p - 1 and e", of_primes(key, with_factor(key), key.q)
    yield "p and q are", of_primes(key, neighbour, key.p)
    yield "n", replace(key, n=key.n + 2)
    yield "d is too small, or not reduced", replace(key, d=key.d + lcm)
    yield "d is not", replace(key, d=key.d - 2)
    yield "exponents", replace(key, dp=key.dp + key.p - 1)
    yield "exponents", replace(key, dq=key.dq + 1)
    yield "the coefficient", replace(key, qinv=key.qinv + key.p)


def with_factor(key: Numbers) -> mpz:
    """A prime near p that leaves 1 when divided by e."""
    number = key.p - key.p % (2 * key.e) + 1
    while not gmpy2.is_prime(number):
        number -= 2 * key.e
    return number


def of_primes(key: Numbers, p: mpz, q: mpz) -> Numbers:
    """All that follows from p, q and e."""
    lcm = gmpy2.lcm(p - 1, q - 1)
    d = gmpy2.invert(key.e, lcm) if gmpy2.gcd(key.e, lcm) == 1 else key.d
    qinv = gmpy2.invert(q, p) if gmpy2.gcd(q, p) == 1 else key.qinv
    return Numbers(p * q, key.e, d, p, q, d % (p - 1), d % (q - 1), qinv)


def spread(group: Group, primes: list[mpz]) -> None:
    """No prime twice; bits at the top and at the bottom are as chance has them."""
    with group.case("each prime once"):
        require(len(set(primes)) == len(primes), "a prime came twice")
    for name, cells in distributions(primes):
        statistic = chi_square(cells)
        chance = probability(statistic, CELLS - 1)
        print(f"  {name}: χ² = {statistic:.1f} with {CELLS - 1} degrees of freedom, probability {chance:.2g}")
        with group.case(name):
            require(chance > LEAST_PROBABILITY, f"uneven: {cells}")


def distributions(primes: list[mpz]) -> Iterator[tuple[str, list[int]]]:
    """How often each value of four bits came: those after the two highest, which are ones, and those before the last."""
    for name, value in (
        ("the four bits after the two highest", lambda prime: prime >> (prime.bit_length() - 6)),
        ("the four bits after those", lambda prime: prime >> (prime.bit_length() - 10)),
        ("the four bits before the last", lambda prime: prime >> 1),
    ):
        cells = [0] * CELLS
        for prime in primes:
            cells[int(value(prime) % CELLS)] += 1
        yield name, cells


def chi_square(cells: list[int]) -> float:
    """Pearson's statistic against equal cells."""
    expected = sum(cells) / len(cells)
    return sum((cell - expected) ** 2 / expected for cell in cells)


def probability(statistic: float, degrees: int) -> float:
    """Of as large a statistic by chance, for an odd number of degrees of freedom."""
    half = statistic / 2
    terms = (half ** (j - 0.5) / gamma(j + 0.5) for j in range(1, (degrees - 1) // 2 + 1))
    return erfc(sqrt(half)) + exp(-half) * sum(terms)


if __name__ == "__main__":
    main()
