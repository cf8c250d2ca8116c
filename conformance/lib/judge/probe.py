"""What is known of a module before the judging: its name, the token, its mechanisms, and that the PINs are right.

A wrong PIN is tried once and ends everything, since a token counts wrong PINs.
"""

from ctypes import Structure, byref, c_ulong
from dataclasses import dataclass, field
from typing import Any

from lib import ck, structs
from lib.judge.bench import Pins
from lib.judge.case import Offer
from lib.pkcs11 import Failure, Module, Session

NEW_LABEL = "keyferry-judge"


class Refused(Exception):
    """The judge cannot, or will not, begin; the message is for the user."""


@dataclass(frozen=True)
class Token:
    """Which token is meant."""

    slot: int | None = None
    label: str | None = None
    initialise: bool = False


@dataclass(frozen=True)
class Info:
    """What the module says of itself, and how the token is found again: a slot may change its number, a serial not."""

    serial: str
    about: dict[str, str]
    # CKM_*: the flags of C_GetMechanismInfo
    mechanisms: dict[int, int] = field(default_factory=dict)

    def offer(self, so_pin: bool) -> Offer:
        """What of it decides what can be judged."""
        def having(flag: int) -> frozenset[int]:
            return frozenset(number for number, flags in self.mechanisms.items() if flags & flag)

        return Offer(having(ck.CKF_WRAP), having(ck.CKF_UNWRAP), so_pin)

    def as_json(self) -> dict[str, Any]:
        """For the other process."""
        return {"serial": self.serial, "about": self.about, "mechanisms": list(self.mechanisms.items())}

    @classmethod
    def from_json(cls, made: dict[str, Any]) -> "Info":
        """From the other process."""
        return cls(made["serial"], made["about"], dict(map(tuple, made["mechanisms"])))


def probe(module: Module, token: Token, pins: Pins) -> Info:
    """Finds the token, makes it if that was asked for, logs in once, and looks around."""
    slot = _initialise(module, token, pins) if token.initialise else _choose(module, token)
    _log_in(module, slot, pins)
    about = _about(module, slot)
    return Info(about["serial number"], about, _mechanisms(module, slot))


def find(module: Module, info: Info) -> int:
    """The slot of the token that was probed."""
    for slot in module.slots():
        if module.is_initialized(slot) and _about(module, slot)["serial number"] == info.serial:
            return slot
    raise Refused(f"the token with the serial number {info.serial!r} is gone")


def _choose(module: Module, token: Token) -> int:
    ready = {slot: _label(module, slot) for slot in module.slots() if module.is_initialized(slot)}
    fitting = [
        slot for slot, label in ready.items()
        if token.slot in (None, slot) and token.label in (None, label)
    ]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(f"slot {slot} {label!r}" for slot, label in ready.items()) or "none"
    trouble = "more than one initialised token fits" if fitting else "no initialised token fits"
    raise Refused(f"{trouble}; there is: {there}. Say --slot or --token-label, or --initialise to make a new one")


def _initialise(module: Module, token: Token, pins: Pins) -> int:
    """Never over a token that is there."""
    label = token.label or NEW_LABEL
    if pins.so_pin is None:
        raise Refused("--initialise needs --so-pin")
    slots = module.slots()
    if any(module.is_initialized(slot) and _label(module, slot) == label for slot in slots):
        raise Refused(f"there is a token {label!r} already; leave --initialise away, or choose another --token-label")
    free = [slot for slot in slots if token.slot in (None, slot) and not module.is_initialized(slot)]
    if not free:
        raise Refused("--initialise needs a slot whose token is not initialised, and there is none")
    module.init_token(free[0], pins.so_pin, pins.pin, label)
    return module.find_slot(label)


def _log_in(module: Module, slot: int, pins: Pins) -> None:
    for user, name, pin in ((ck.CKU_SO, "--so-pin", pins.so_pin), (ck.CKU_USER, "--pin", pins.pin)):
        if pin is None:
            continue
        session = Session(module, slot)
        try:
            session.login(pin, user)
        except Failure as failure:
            raise Refused(f"{name} was not accepted ({failure}); it was tried once") from failure
        session.logout()
        session.close()


def _about(module: Module, slot: int) -> dict[str, str]:
    info, token = structs.Info(), structs.TokenInfo()
    module.call("GetInfo", byref(info))
    module.call("GetTokenInfo", slot, byref(token))
    return {
        "library": _text(info, "description"), "manufacturer": _text(info, "manufacturer"),
        "library version": _version(info.library), "Cryptoki": _version(info.cryptoki),
        "token": _text(token, "label"), "model": _text(token, "model"), "serial number": _text(token, "serial"),
        "firmware": _version(token.firmware),
    }


def _mechanisms(module: Module, slot: int) -> dict[int, int]:
    count = c_ulong()
    module.call("GetMechanismList", slot, None, byref(count))
    numbers = (c_ulong * count.value)()
    module.call("GetMechanismList", slot, numbers, byref(count))
    flags = {}
    for number in list(numbers)[: count.value]:
        info = structs.MechanismInfo()
        module.call("GetMechanismInfo", slot, number, byref(info))
        flags[number] = info.flags
    return flags


def _label(module: Module, slot: int) -> str:
    info = structs.TokenInfo()
    module.call("GetTokenInfo", slot, byref(info))
    return _text(info, "label")


def _text(info: Structure, name: str) -> str:
    return bytes(getattr(info, name)).decode(errors="replace").rstrip(" \0")


def _version(version: structs.Version) -> str:
    return f"{version.major & 0xFF}.{version.minor & 0xFF}"
