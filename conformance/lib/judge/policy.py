"""What keys say about themselves and whether the module keeps to it: who leaves, under which KEK; how a key arrives.

The group `trusted` needs the SO, who alone makes a KEK trusted (PKCS#11 3.2, section 4.9).
"""

from collections.abc import Callable
from functools import partial

from lib import ck
from lib.judge.bench import Bench
from lib.judge.case import Case, Group, Offer
from lib.judge.scenes import (
    AES_TARGET,
    EC_TARGET,
    RSA_TARGET,
    Scene,
    received,
    scenes,
    target_for,
    unwrapping_key,
    wrapping_key,
)
from lib.judge.verdict import NotOffered, Unexpected, expect, may_be_refused
from lib.pkcs11 import Failure, Nested, Session, Template
from lib.report import require
from lib.targets import Target

_UNEXTRACTABLE = "CKR_KEY_UNEXTRACTABLE"
# A user who sets what only the SO may: the standard has no code of its own for that.
_NOT_FOR_USERS = """
    CKR_ATTRIBUTE_READ_ONLY CKR_ATTRIBUTE_VALUE_INVALID CKR_TEMPLATE_INCONSISTENT CKR_USER_NOT_LOGGED_IN
    CKR_ACTION_PROHIBITED
"""


def group(offer: Offer) -> Group:
    """Everything that a user can do."""
    cases = []
    for scene in scenes(offer.wraps):
        mechanism = scene.number, scene.name
        out, into = offer.why_no_wrap(mechanism), offer.why_no_unwrap(mechanism)
        targets = (AES_TARGET, EC_TARGET, RSA_TARGET) if scene.takes_private_keys else (AES_TARGET,)
        for why_not, rows in ((out, _leaving(scene, targets)), (into, _arriving(scene, targets))):
            cases += [Case(row, (scene.name,), run, why_not) for row, run in rows]
    return Group("policy", "Who may leave, under which KEK, and how a key arrives.", cases)


def trusted(offer: Offer) -> Group:
    """What needs a KEK that the SO trusts."""
    cases = []
    for scene in scenes(offer.wraps):
        why_not = offer.why_no_wrap((scene.number, scene.name)) or ("" if offer.so_pin else "no SO PIN")
        cases += [Case(row, (scene.name,), partial(check, scene), why_not) for row, check in _TRUSTED]
    return Group("trusted KEKs", "CKA_WRAP_WITH_TRUSTED under KEKs that the SO trusts and others.", cases)


def _leaving(scene: Scene, targets: tuple[Target, ...]) -> list[tuple[str, Callable[[Bench], None]]]:
    kept = [(f"not extractable, {target.name}", partial(_not_extractable, scene, target)) for target in targets]
    return [*kept, *((row, partial(check, scene)) for row, check in _LEAVING)]


def _arriving(scene: Scene, targets: tuple[Target, ...]) -> list[tuple[str, Callable[[Bench], None]]]:
    return [
        *((row, partial(check, scene)) for row, check in _ARRIVING),
        *((f"arrives sensitive, {target.name}", partial(_sensitive, scene, target)) for target in targets),
        *((f"was not always safe, {target.name}", partial(_history, scene, target)) for target in targets),
    ]


def _wrap(bench: Bench, scene: Scene, kek: int, key: int, codes: str = "CKR_OK", detail: str = "") -> bytes:
    code, length, blob = bench.wrap_code(scene.mechanism(), kek, key)
    expect("C_WrapKey", code, codes, detail)
    return blob[:length]


def _not_extractable(scene: Scene, target: Target, bench: Bench) -> None:
    key = target_for(bench, scene, target, [(ck.CKA_EXTRACTABLE, False)])
    _wrap(bench, scene, wrapping_key(bench, scene), key.handle, _UNEXTRACTABLE)
    with_true = bench.set_code(key.handle, [(ck.CKA_EXTRACTABLE, True)])
    expect("C_SetAttributeValue", with_true, "CKR_ATTRIBUTE_READ_ONLY", "CKA_EXTRACTABLE back to TRUE")
    _wrap(bench, scene, wrapping_key(bench, scene), key.handle, _UNEXTRACTABLE)


def _made_unextractable(scene: Scene, bench: Bench) -> None:
    key = target_for(bench, scene, extra=[(ck.CKA_ID, b"1")])
    with may_be_refused("CKA_EXTRACTABLE set to FALSE later"):
        bench.session.set(key.handle, [(ck.CKA_EXTRACTABLE, False)])
    _wrap(bench, scene, wrapping_key(bench, scene), key.handle, _UNEXTRACTABLE)


def _allowed(scene: Scene, bench: Bench) -> None:
    for allowed, codes in (
        (ck.CKM_AES_ECB, "CKR_MECHANISM_INVALID CKR_KEY_FUNCTION_NOT_PERMITTED"), (scene.number, "CKR_OK"),
    ):
        kek = scene.wrapping(bench, [(ck.CKA_ALLOWED_MECHANISMS, allowed)])
        _wrap(bench, scene, kek, target_for(bench, scene).handle, codes, "CKA_ALLOWED_MECHANISMS of the KEK")


def _wrap_template(scene: Scene, bench: Bench) -> None:
    # The standard says SHALL: section 5.18.2, C_WrapKey.
    for key_type, codes in ((ck.CKK_AES, "CKR_OK"), (ck.CKK_RSA, "CKR_KEY_HANDLE_INVALID")):
        kek = scene.wrapping(bench, [(ck.CKA_WRAP_TEMPLATE, Nested.of([(ck.CKA_KEY_TYPE, key_type)]))])
        _wrap(bench, scene, kek, target_for(bench, scene).handle, codes, "CKA_WRAP_TEMPLATE of the KEK")


def _wants_trust(scene: Scene, bench: Bench) -> None:
    key = _for_trusted_only(bench, scene)
    _wrap(bench, scene, wrapping_key(bench, scene), key, "CKR_KEY_NOT_WRAPPABLE", "CKA_WRAP_WITH_TRUSTED")
    code = bench.set_code(key, [(ck.CKA_WRAP_WITH_TRUSTED, False)])
    expect("C_SetAttributeValue", code, "CKR_ATTRIBUTE_READ_ONLY", "CKA_WRAP_WITH_TRUSTED back to FALSE")
    _wrap(bench, scene, wrapping_key(bench, scene), key, "CKR_KEY_NOT_WRAPPABLE", "CKA_WRAP_WITH_TRUSTED")


def _for_trusted_only(bench: Bench, scene: Scene) -> int:
    return target_for(bench, scene, extra=[(ck.CKA_WRAP_WITH_TRUSTED, True)]).handle


def _user_trusts(scene: Scene, bench: Bench) -> None:
    kek = scene.wrapping(bench)
    code = bench.set_code(kek, [(ck.CKA_TRUSTED, True)])
    expect("C_SetAttributeValue", code, _NOT_FOR_USERS, "CKA_TRUSTED by a user")
    try:
        scene.wrapping(bench, [(ck.CKA_TRUSTED, True)])
    except NotOffered:
        return
    except Failure as failure:
        expect("C_CreateObject", failure.code, _NOT_FOR_USERS, "CKA_TRUSTED by a user")
        return
    raise Unexpected("C_CreateObject", "a refusal", "CKR_OK", "a user made a trusted KEK")


def _read_only(scene: Scene, bench: Bench) -> None:
    # Wrapping changes nothing, and some clients open no other session for it.
    key, kek = target_for(bench, scene), wrapping_key(bench, scene)
    session = Session(bench.module, bench.slot, read_only=True)
    try:
        plaintext = scene.open(bench, session.wrap(scene.mechanism(), kek, key.handle))
    finally:
        session.close()
    require(AES_TARGET.proof(bench.opener, plaintext) == key.proof, "another key is in the blob")


def _logged_out(scene: Scene, bench: Bench) -> None:
    key, kek = target_for(bench, scene).handle, wrapping_key(bench, scene)
    bench.session.logout()
    try:
        code, *_ = bench.wrap_code(scene.mechanism(), kek, key)
    finally:
        bench.forget()
        bench.session.login(bench.pin)
    expect("C_WrapKey", code, "CKR_KEY_HANDLE_INVALID CKR_WRAPPING_KEY_HANDLE_INVALID CKR_USER_NOT_LOGGED_IN")


def _arrive(bench: Bench, scene: Scene, template: Template, kek: int | None = None, target: Target = AES_TARGET) -> int:
    blob = scene.seal(bench, bench.material.plaintext(target))
    kek = unwrapping_key(bench, scene) if kek is None else kek
    return bench.session.unwrap(scene.mechanism(), kek, blob, [*template, (ck.CKA_LABEL, bench.label)])


def _without(template: Template, kind: int) -> Template:
    return [row for row in template if row[0] != kind]


def _allowed_unwrap(scene: Scene, bench: Bench) -> None:
    kek = scene.unwrapping(bench, [(ck.CKA_ALLOWED_MECHANISMS, ck.CKM_AES_ECB)])
    blob = scene.seal(bench, bench.material.plaintext(AES_TARGET))
    code = bench.unwrap_code(scene.mechanism(), kek, blob, received())
    expect("C_UnwrapKey", code, "CKR_MECHANISM_INVALID CKR_KEY_FUNCTION_NOT_PERMITTED", "CKA_ALLOWED_MECHANISMS")


def _unwrap_template(scene: Scene, bench: Bench) -> None:
    wanted = Nested.of([(ck.CKA_EXTRACTABLE, False)])
    kek = scene.unwrapping(bench, [(ck.CKA_UNWRAP_TEMPLATE, wanted)])
    blob = scene.seal(bench, bench.material.plaintext(AES_TARGET))
    code = bench.unwrap_code(scene.mechanism(), kek, blob, received())
    expect("C_UnwrapKey", code, "CKR_TEMPLATE_INCONSISTENT", "against CKA_UNWRAP_TEMPLATE")
    key = _arrive(bench, scene, _without(received(), ck.CKA_EXTRACTABLE), kek)
    _require_flags(bench.session, key, {ck.CKA_EXTRACTABLE: False})


def _extractable_by_default(scene: Scene, bench: Bench) -> None:
    key = _arrive(bench, scene, _without(received(), ck.CKA_EXTRACTABLE))
    _require_flags(bench.session, key, {ck.CKA_EXTRACTABLE: True})


def _stays(scene: Scene, bench: Bench) -> None:
    key = _arrive(bench, scene, [*_without(received(), ck.CKA_EXTRACTABLE), (ck.CKA_EXTRACTABLE, False)])
    _require_flags(bench.session, key, {ck.CKA_EXTRACTABLE: False})
    _wrap(bench, scene, scene.wrapping(bench), key, _UNEXTRACTABLE)


def _sensitive(scene: Scene, target: Target, bench: Bench) -> None:
    template = [*_without(received(target), ck.CKA_SENSITIVE), (ck.CKA_SENSITIVE, True)]
    key = _arrive(bench, scene, template, target=target)
    for kind in (ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1) if target is RSA_TARGET else (ck.CKA_VALUE,):
        try:
            bench.session.attribute(key, kind)
        except Failure as failure:
            expect("C_GetAttributeValue", failure.code, "CKR_ATTRIBUTE_SENSITIVE")
        else:
            raise Unexpected("C_GetAttributeValue", "CKR_ATTRIBUTE_SENSITIVE", "CKR_OK", "a sensitive key can be read")
    code = bench.set_code(key, [(ck.CKA_SENSITIVE, False)])
    expect("C_SetAttributeValue", code, "CKR_ATTRIBUTE_READ_ONLY", "CKA_SENSITIVE back to FALSE")


def _history(scene: Scene, target: Target, bench: Bench) -> None:
    """It was outside once, whatever its template says."""
    strict = [(ck.CKA_SENSITIVE, True), (ck.CKA_EXTRACTABLE, False)]
    template = _without(_without(received(target), ck.CKA_SENSITIVE), ck.CKA_EXTRACTABLE)
    key = _arrive(bench, scene, [*template, *strict], target=target)
    _require_flags(bench.session, key, {kind: False for kind in _NAMES if kind != ck.CKA_EXTRACTABLE})


_NAMES = {
    ck.CKA_EXTRACTABLE: "CKA_EXTRACTABLE", ck.CKA_LOCAL: "CKA_LOCAL", ck.CKA_ALWAYS_SENSITIVE: "CKA_ALWAYS_SENSITIVE",
    ck.CKA_NEVER_EXTRACTABLE: "CKA_NEVER_EXTRACTABLE",
}


_BOOLEANS = {b"\0": "FALSE", b"\1": "TRUE"}


def _require_flags(session: Session, key: int, flags: dict[int, bool]) -> None:
    for kind, expected in flags.items():
        got = session.attribute(key, kind)
        if got != bytes([expected]):
            wanted, came = _BOOLEANS[bytes([expected])], _BOOLEANS.get(got, got.hex())
            raise Unexpected("C_GetAttributeValue", wanted, came, f"{_NAMES[kind]} of the key")


def _trusted_kek(bench: Bench, scene: Scene) -> int:
    """A KEK of the SO's: a session object, or, where the module takes none from the SO, one on the token."""
    def make() -> int:
        bench.session.logout()
        bench.forget()
        bench.session.login(bench.so_pin, ck.CKU_SO)
        flags = [(ck.CKA_TRUSTED, True), (ck.CKA_PRIVATE, False)]
        try:
            try:
                return scene.wrapping(bench, flags)
            except (NotOffered, Failure):
                return scene.wrapping(bench, [*flags, (ck.CKA_TOKEN, True)])
        finally:
            bench.session.logout()
            bench.session.login(bench.pin)

    return bench.once((scene, "trusted"), make)


def _leaves_under_trusted(scene: Scene, bench: Bench) -> None:
    kek = _trusted_kek(bench, scene)
    key = target_for(bench, scene, extra=[(ck.CKA_WRAP_WITH_TRUSTED, True)])
    plaintext = scene.open(bench, _wrap(bench, scene, kek, key.handle, detail="under a trusted KEK"))
    require(AES_TARGET.proof(bench.opener, plaintext) == key.proof, "another key is in the blob")


def _not_under_another(scene: Scene, bench: Bench) -> None:
    _trusted_kek(bench, scene)
    key = _for_trusted_only(bench, scene)
    _wrap(bench, scene, scene.wrapping(bench), key, "CKR_KEY_NOT_WRAPPABLE", "under one that is not trusted")


def _others_too(scene: Scene, bench: Bench) -> None:
    kek = _trusted_kek(bench, scene)
    _wrap(bench, scene, kek, target_for(bench, scene).handle, detail="a key that does not ask for trust")


_LEAVING = (
    ("made not extractable later", _made_unextractable),
    ("KEK allows another mechanism only", _allowed),
    ("KEK's CKA_WRAP_TEMPLATE", _wrap_template),
    ("CKA_WRAP_WITH_TRUSTED, KEK not trusted", _wants_trust),
    ("a user cannot trust a KEK", _user_trusts),
    ("leaves in a read-only session", _read_only),
    ("after C_Logout", _logged_out),
)
_ARRIVING = (
    ("KEK allows another mechanism only, unwrap", _allowed_unwrap),
    ("KEK's CKA_UNWRAP_TEMPLATE", _unwrap_template),
    ("arrives extractable unless told otherwise", _extractable_by_default),
    ("arrives not extractable if told so", _stays),
)
_TRUSTED = (
    ("CKA_WRAP_WITH_TRUSTED leaves under a trusted KEK", _leaves_under_trusted),
    ("CKA_WRAP_WITH_TRUSTED stays under another", _not_under_another),
    ("other keys leave under a trusted KEK", _others_too),
)
