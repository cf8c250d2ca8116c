"""What a case works with: a session on the module under judgement, and keys made when first needed.

Every object is a session object with the label of this run, by which leftovers are found.
"""

import ctypes
from collections.abc import Callable
from ctypes import byref, c_ulong
from typing import Any, NamedTuple

from lib import ck, structs
from lib.judge.material import Material
from lib.judge.verdict import NotOffered, Unexpected, may_be_refused
from lib.keks import Kek, generate_kek, import_private, import_public
from lib.openers import Cryptography
from lib.pkcs11 import Failure, Module, Session, Template, Value, template_array
from lib.structs import Mechanism
from lib.targets import Target

ROOM = 16384


class Pins(NamedTuple):
    """The user's, and the SO's if it is known."""

    pin: str
    so_pin: str | None


class OnToken(NamedTuple):
    """A target that the module made, and what proves it."""

    handle: int
    proof: bytes


class Bench:
    """One process's session."""

    def __init__(self, module: Module, slot: int, pins: Pins, label: str, material: Material) -> None:
        self.module, self.slot, self.label, self.material = module, slot, label, material
        self.pin, self.so_pin = pins
        self.opener = Cryptography()
        self._made: dict[object, Any] = {}
        self.session = Session(module, slot)
        self.session.login(self.pin)

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """Makes something once; a refusal is kept too."""
        if key not in self._made:
            try:
                self._made[key] = make()
            except (NotOffered, Failure) as error:
                self._made[key] = error
        made = self._made[key]
        if isinstance(made, Exception):
            raise made
        return made

    def forget(self) -> None:
        """After a logout nothing is left of what was made."""
        self._made.clear()

    def own(self, token: bool = False) -> list[tuple[int, Value]]:
        """The attributes that every object of the judge has."""
        return [(ck.CKA_TOKEN, token), (ck.CKA_LABEL, self.label)]

    def target(self, target: Target, extra: Template = ()) -> OnToken:
        """An extractable key of a type, made by the module; the same one again unless there is something `extra`."""
        def make() -> OnToken:
            with may_be_refused(f"{target.name} keys"):
                return OnToken(*target.kind.generate(self.session, [*self.own(), *flags.items()]))

        flags = {ck.CKA_EXTRACTABLE: True} | dict(extra)
        return make() if extra else self.once(target, make)

    def wrapping_kek(self, bits: int) -> int:
        """The public half of a KEK."""
        def make() -> int:
            with may_be_refused(f"RSA-{bits} public keys from outside"):
                return import_public(self.session, self.material.kek(bits), self.own())

        return self.once(("wrapping", bits), make)

    def unwrapping_kek(self, bits: int) -> int:
        """The private half of a KEK."""
        def make() -> int:
            with may_be_refused(f"RSA-{bits} private keys from outside"):
                return import_private(self.session, self.material.kek(bits), self.own())

        return self.once(("unwrapping", bits), make)

    def receiving_kek(self, bits: int) -> tuple[int, Kek]:
        """The handle of a KEK that unwraps, and what to seal with: from outside, or the module's own if it must be."""
        def make() -> tuple[int, Kek]:
            try:
                return self.unwrapping_kek(bits), self.kek(bits)
            except (NotOffered, Failure):
                with may_be_refused(f"RSA-{bits} KEKs, from outside or its own"):
                    return generate_kek(self.session, bits, self.own())

        return self.once(("receiving", bits), make)

    def kek(self, bits: int) -> Kek:
        """Both halves of it in software."""
        return self.material.kek(bits)

    def create(self, what: str, template: Template) -> int:
        """C_CreateObject, of something that the module need not have."""
        with may_be_refused(what):
            return self.session.create([*(dict(self.own()) | dict(template)).items()])

    def set_code(self, key: int, template: Template) -> int:
        """C_SetAttributeValue, and what it answered."""
        try:
            self.session.set(key, template)
        except Failure as failure:
            return failure.code
        return ck.CKR_OK

    def leftovers(self) -> list[int]:
        """The objects of this run."""
        return self.session.find([(ck.CKA_LABEL, self.label)])

    def wrap_code(self, mechanism: Mechanism, kek: int, key: int, room: int = ROOM) -> tuple[int, int, bytes]:
        """C_WrapKey into a buffer of this size, with what it answered, and the length and bytes it left."""
        length, buffer = c_ulong(room), ctypes.create_string_buffer(ROOM)
        code = self.module.result(
            "WrapKey", self.session.handle, byref(mechanism.struct), kek, key, buffer, byref(length)
        )
        return code, length.value, buffer.raw

    def unwrap_code(self, mechanism: Mechanism, kek: int, blob: bytes, template: Template) -> int:
        """C_UnwrapKey and what it answered. The key goes again; a failure must not leave one."""
        before = len(self.leftovers())
        attributes, keep = template_array([*template, (ck.CKA_LABEL, self.label)])
        handle = c_ulong()
        code = self.module.result(
            "UnwrapKey", self.session.handle, byref(mechanism.struct), kek, blob, len(blob), attributes,
            len(attributes), byref(handle),
        )
        del keep
        if code == ck.CKR_OK:
            self.session.destroy(handle.value)
        elif len(self.leftovers()) != before:
            raise Unexpected("C_UnwrapKey", "no object after a failure", ck.result_name(code), "it left an object")
        return code


def raw_mechanism(number: int, parameter: bytes | None = None, length: int | None = None) -> Mechanism:
    """A mechanism with any bytes, and any length, for a parameter."""
    made = Mechanism(number)
    if parameter is not None:
        buffer = ctypes.create_string_buffer(parameter, len(parameter))
        made = Mechanism(number, keep=buffer)
        made.struct = structs.MechanismStruct(number, ctypes.addressof(buffer), len(parameter))
    if length is not None:
        made.struct.length = length
    return made
