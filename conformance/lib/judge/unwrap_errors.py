"""What C_UnwrapKey answers when something is wrong: with the arguments, the template, or the blob.

The codes are those of PKCS#11 3.2, section 5.18.3 and the mechanism's own. A failure leaves no object, whatever it was;
`Bench.unwrap_code` looks.
"""

from collections.abc import Callable
from ctypes import byref, c_ulong
from functools import partial
from typing import NamedTuple

from lib import ck
from lib.judge import damage
from lib.judge.bench import Bench
from lib.judge.case import Case, Group, Offer
from lib.judge.scenes import AES_TARGET, RsaAes, Scene, received, scenes, unwrapping_key
from lib.judge.verdict import Unexpected, expect
from lib.judge.wrap_errors import NO_HANDLE, another_type, bad_parameters, destroyed
from lib.pkcs11 import Template, template_array
from lib.structs import Mechanism

_BAD = "CKR_ARGUMENTS_BAD"
_HANDLE = "CKR_UNWRAPPING_KEY_HANDLE_INVALID"


class Call(NamedTuple):
    """A call of C_UnwrapKey in which one thing is wrong."""

    mechanism: Mechanism
    kek: int
    blob: bytes
    template: Template


Spoil = Callable[[Bench, Scene, Call], Call]


def group(offer: Offer) -> Group:
    """Every situation with every mechanism it can arise with."""
    cases = []
    for scene in scenes(offer.unwraps):
        why_not = offer.why_no_unwrap((scene.number, scene.name))
        rows = [(row, partial(_refused, scene, codes, spoil)) for row, codes, spoil in _rows(scene)]
        rows += [(row, partial(_null, scene, spoil)) for row, spoil in _NULLS]
        rows += [(row, partial(_refused, scene, codes, partial(_damaged, hurt)))
                 for row, codes, hurt in damage.rows(scene)]
        if isinstance(scene, RsaAes):
            rows.append(("one code for every damage", partial(_one_code, scene)))
        cases += [Case(row, (scene.name,), run, why_not) for row, run in rows]
    return Group("errors of C_UnwrapKey", "One thing is wrong with the arguments, the template or the blob; the answer "
                 "must name it, and no object may be left.", cases)


def _refused(scene: Scene, codes: str, spoil: Spoil, bench: Bench) -> str:
    return expect("C_UnwrapKey", bench.unwrap_code(*spoil(bench, scene, _good(bench, scene))), codes)


def _good(bench: Bench, scene: Scene) -> Call:
    blob = scene.seal(bench, bench.material.plaintext(AES_TARGET))
    return Call(scene.mechanism(), unwrapping_key(bench, scene), blob, received())


def _damaged(hurt: damage.Hurt, bench: Bench, scene: Scene, call: Call) -> Call:
    blob, template = hurt(bench, call.blob)
    return call._replace(blob=blob, template=template or call.template)


def _rows(scene: Scene) -> list[tuple[str, str, Spoil]]:
    """Situation, codes, and what makes it."""
    return [
        ("KEK handle 0", _HANDLE, lambda b, s, c: c._replace(kek=0)),
        ("KEK handle of nothing", _HANDLE, lambda b, s, c: c._replace(kek=NO_HANDLE)),
        ("KEK destroyed", _HANDLE, lambda b, s, c: c._replace(kek=destroyed(b))),
        ("KEK of another type", "CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT",
         lambda b, s, c: c._replace(kek=another_type(b, s, ck.CKA_UNWRAP))),
        ("KEK without CKA_UNWRAP", "CKR_KEY_FUNCTION_NOT_PERMITTED",
         lambda b, s, c: c._replace(kek=s.unwrapping(b, [(ck.CKA_UNWRAP, False)]))),
        ("a mechanism that unwraps nothing", "CKR_MECHANISM_INVALID",
         lambda b, s, c: c._replace(mechanism=Mechanism(ck.CKM_AES_KEY_GEN))),
        ("a mechanism that does not exist", "CKR_MECHANISM_INVALID",
         lambda b, s, c: c._replace(mechanism=Mechanism(0x7FFF_FF00))),
        *((row, codes, lambda b, s, c, make=make: c._replace(mechanism=make())) for row, codes, make in
          bad_parameters(scene)),
        # No footnote of the tables of attributes asks for the class here: a module may take it from the key type.
        ("template without CKA_CLASS", "CKR_TEMPLATE_INCOMPLETE CKR_OK", _without(ck.CKA_CLASS)),
        ("template without CKA_KEY_TYPE", "CKR_TEMPLATE_INCOMPLETE", _without(ck.CKA_KEY_TYPE)),
        ("template of a public key", "CKR_TEMPLATE_INCONSISTENT CKR_ATTRIBUTE_VALUE_INVALID",
         _with(ck.CKA_CLASS, ck.CKO_PUBLIC_KEY)),
        ("template with CKA_VALUE", "CKR_TEMPLATE_INCONSISTENT CKR_ATTRIBUTE_READ_ONLY",
         _with(ck.CKA_VALUE, bytes(32))),
        ("template with CKA_LOCAL", "CKR_ATTRIBUTE_READ_ONLY CKR_TEMPLATE_INCONSISTENT", _with(ck.CKA_LOCAL, True)),
        ("template with CKA_ALWAYS_SENSITIVE", "CKR_ATTRIBUTE_READ_ONLY CKR_TEMPLATE_INCONSISTENT",
         _with(ck.CKA_ALWAYS_SENSITIVE, True)),
        ("template with an unknown attribute", "CKR_ATTRIBUTE_TYPE_INVALID", _with(0x7FFF_FFFF, True)),
        ("template with a boolean of two bytes", "CKR_ATTRIBUTE_VALUE_INVALID", _with(ck.CKA_EXTRACTABLE, b"\1\0")),
        # The length conflicts; or it may not be said at all (footnote 6 of the tables of attributes).
        ("CKA_VALUE_LEN is not the key's",
         "CKR_WRAPPED_KEY_LEN_RANGE CKR_TEMPLATE_INCONSISTENT CKR_ATTRIBUTE_READ_ONLY",
         _with(ck.CKA_VALUE_LEN, 16)),
    ]


def _without(kind: int) -> Spoil:
    return lambda b, s, c: c._replace(template=[row for row in c.template if row[0] != kind])


def _with(kind: int, value: int | bool | bytes) -> Spoil:
    return lambda b, s, c: c._replace(template=[*(row for row in c.template if row[0] != kind), (kind, value)])


def _null(scene: Scene, spoil: dict[str, object], bench: Bench) -> str:
    """C_UnwrapKey with some of its arguments replaced by nothing."""
    call = _good(bench, scene)
    attributes, keep = template_array(call.template)
    handle = c_ulong()
    arguments = {
        "session": bench.session.handle, "mechanism": byref(call.mechanism.struct), "kek": call.kek,
        "blob": call.blob, "size": len(call.blob), "template": attributes, "count": len(attributes),
        "key": byref(handle),
    }
    code = bench.module.result("UnwrapKey", *(arguments | spoil).values())
    del keep
    return expect("C_UnwrapKey", code, "CKR_SESSION_HANDLE_INVALID" if "session" in spoil else _BAD)


_NULLS: tuple[tuple[str, dict[str, object]], ...] = (
    ("mechanism NULL", {"mechanism": None}),
    ("blob NULL with a length", {"blob": None}),
    ("template NULL with a count", {"template": None}),
    ("pointer for the new handle NULL", {"key": None}),
    ("session handle of nothing", {"session": NO_HANDLE}),
)


def _one_code(scene: Scene, bench: Bench) -> str:
    """Who can see which part failed can ask until it is open (Bleichenbacher, Manger)."""
    codes = {}
    for row, _, hurt in damage.rows(scene):
        if row in damage.INSIDE:
            call = _damaged(hurt, bench, scene, _good(bench, scene))
            codes[row] = ck.result_name(bench.unwrap_code(*call))
    if len(set(codes.values())) > 1:
        told = "; ".join(f"{row}: {code}" for row, code in codes.items())
        raise Unexpected("C_UnwrapKey", "one code", f"{len(set(codes.values()))} codes", told)
    return next(iter(codes.values()))
