"""A small binding of PKCS#11 by ctypes: loads any module, calls it through its function list.

`Module` is the loaded library, `Session` an open session. Templates are lists of
`(attribute, value)` with `bool`, `int`, `str` or `bytes` values. A failing call raises `Failure`.
"""

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_byte, c_ulong, c_void_p, cast

from lib import ck, structs

Value = bool | int | str | bytes
Template = Sequence[tuple[int, Value]]

# The function list of PKCS#11 2.40, in its order.
_FUNCTIONS = """
    Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo GetMechanismList
    GetMechanismInfo InitToken InitPIN SetPIN OpenSession CloseSession CloseAllSessions GetSessionInfo
    GetOperationState SetOperationState Login Logout CreateObject CopyObject DestroyObject GetObjectSize
    GetAttributeValue SetAttributeValue FindObjectsInit FindObjects FindObjectsFinal EncryptInit Encrypt
    EncryptUpdate EncryptFinal DecryptInit Decrypt DecryptUpdate DecryptFinal DigestInit Digest DigestUpdate
    DigestKey DigestFinal SignInit Sign SignUpdate SignFinal SignRecoverInit SignRecover VerifyInit Verify
    VerifyUpdate VerifyFinal VerifyRecoverInit VerifyRecover DigestEncryptUpdate DecryptDigestUpdate
    SignEncryptUpdate DecryptVerifyUpdate GenerateKey GenerateKeyPair WrapKey UnwrapKey DeriveKey SeedRandom
    GenerateRandom GetFunctionStatus CancelFunction WaitForSlotEvent
""".split()


class Failure(Exception):
    """A function answered something else than CKR_OK."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"C_{function}: {ck.result_name(code)}")
        self.function = f"C_{function}"
        self.code = code


class Nested(bytes):
    """A template as the value of an attribute (CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE), with what it points to."""

    keep: object

    @classmethod
    def of(cls, template: Template) -> "Nested":
        """The C array as bytes."""
        attributes, keep = template_array(template)
        value = cls(bytes(attributes))
        value.keep = keep
        return value


class FunctionList(Structure):
    """CK_FUNCTION_LIST"""

    _fields_ = [("version", structs.Version)] + [(name, c_void_p) for name in _FUNCTIONS]


class Module:
    """A PKCS#11 module, initialised; a context manager that finalises it."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        functions = POINTER(FunctionList)()
        code = self._library.C_GetFunctionList(byref(functions))
        if code != ck.CKR_OK:
            raise Failure("GetFunctionList", code)
        self._functions = functions.contents
        self._prototype = ctypes.CFUNCTYPE(c_ulong)
        self.call("Initialize", None)

    def __enter__(self) -> "Module":
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Finalize", None)

    def result(self, name: str, *arguments: object) -> int:
        """Calls a function and answers its CKR_*. Integers go as CK_ULONG."""
        function = self._prototype(getattr(self._functions, name))
        return function(*(c_ulong(a) if isinstance(a, int) else a for a in arguments))

    def call(self, name: str, *arguments: object) -> None:
        """Calls a function and raises `Failure` unless it answers CKR_OK."""
        code = self.result(name, *arguments)
        if code != ck.CKR_OK:
            raise Failure(name, code)

    def slots(self) -> list[int]:
        """The slots that hold a token."""
        count = c_ulong()
        self.call("GetSlotList", c_byte(1), None, byref(count))
        slots = (c_ulong * count.value)()
        self.call("GetSlotList", c_byte(1), slots, byref(count))
        return list(slots)[: count.value]

    def is_initialized(self, slot: int) -> bool:
        """Whether the slot's token has been initialised."""
        info = structs.TokenInfo()
        self.call("GetTokenInfo", slot, byref(info))
        return bool(info.flags & ck.CKF_TOKEN_INITIALIZED)

    def init_token(self, slot: int, so_pin: str, pin: str, label: str) -> None:
        """Makes a token with both PINs set."""
        so = so_pin.encode()
        self.call("InitToken", slot, so, len(so), label.encode().ljust(32))
        found = next(s for s in self.slots() if self._label(s) == label)
        session = Session(self, found)
        session.login(so_pin, ck.CKU_SO)
        self.call("InitPIN", session.handle, pin.encode(), len(pin.encode()))
        session.logout()
        session.close()

    def find_slot(self, label: str) -> int:
        """The slot of the token with this label."""
        return next(slot for slot in self.slots() if self._label(slot) == label)

    def _label(self, slot: int) -> str:
        info = structs.TokenInfo()
        self.call("GetTokenInfo", slot, byref(info))
        return bytes(info.label).decode().rstrip()


class Session:
    """A session, read-write unless asked otherwise."""

    def __init__(self, module: Module, slot: int, *, read_only: bool = False) -> None:
        self.module = module
        handle = c_ulong()
        flags = ck.CKF_SERIAL_SESSION | (0 if read_only else ck.CKF_RW_SESSION)
        module.call("OpenSession", slot, flags, None, None, byref(handle))
        self.handle = handle.value

    def close(self) -> None:
        """C_CloseSession"""
        self.module.call("CloseSession", self.handle)

    def login(self, pin: str, user: int = ck.CKU_USER) -> None:
        """C_Login"""
        self.module.call("Login", self.handle, user, pin.encode(), len(pin.encode()))

    def logout(self) -> None:
        """C_Logout"""
        self.module.call("Logout", self.handle)

    def create(self, template: Template) -> int:
        """C_CreateObject"""
        attributes, keep = template_array(template)
        handle = c_ulong()
        self.module.call("CreateObject", self.handle, attributes, len(attributes), byref(handle))
        del keep
        return handle.value

    def destroy(self, handle: int) -> None:
        """C_DestroyObject"""
        self.module.call("DestroyObject", self.handle, handle)

    def attribute(self, handle: int, kind: int) -> bytes:
        """One attribute's value."""
        wanted = structs.Attribute(kind, None, 0)
        self.module.call("GetAttributeValue", self.handle, handle, byref(wanted), 1)
        buffer = ctypes.create_string_buffer(wanted.length)
        wanted.value = ctypes.addressof(buffer)
        self.module.call("GetAttributeValue", self.handle, handle, byref(wanted), 1)
        return buffer.raw[: wanted.length]

    def set(self, handle: int, template: Template) -> None:
        """C_SetAttributeValue"""
        attributes, keep = template_array(template)
        self.module.call("SetAttributeValue", self.handle, handle, attributes, len(attributes))
        del keep

    def find(self, template: Template) -> list[int]:
        """Every object that matches."""
        attributes, keep = template_array(template)
        self.module.call("FindObjectsInit", self.handle, attributes, len(attributes))
        del keep
        found: list[int] = []
        batch, count = (c_ulong * 64)(), c_ulong()
        while True:
            self.module.call("FindObjects", self.handle, batch, len(batch), byref(count))
            if count.value == 0:
                break
            found += list(batch)[: count.value]
        self.module.call("FindObjectsFinal", self.handle)
        return found

    def generate(self, mechanism: int, template: Template) -> int:
        """C_GenerateKey"""
        attributes, keep = template_array(template)
        handle = c_ulong()
        struct = structs.Mechanism(mechanism).struct
        self.module.call("GenerateKey", self.handle, byref(struct), attributes, len(attributes), byref(handle))
        del keep
        return handle.value

    def generate_pair(self, mechanism: int, public: Template, private: Template) -> tuple[int, int]:
        """C_GenerateKeyPair: the public and the private handle."""
        (outer, keep), (inner, keep_too) = template_array(public), template_array(private)
        handles = c_ulong(), c_ulong()
        struct = structs.Mechanism(mechanism).struct
        self.module.call(
            "GenerateKeyPair", self.handle, byref(struct), outer, len(outer), inner, len(inner), *map(byref, handles)
        )
        del keep, keep_too
        return handles[0].value, handles[1].value

    def wrap(self, mechanism: structs.Mechanism, wrapping_key: int, key: int) -> bytes:
        """C_WrapKey: a size query, then the call; the query must be exact."""
        length = c_ulong()
        arguments = self.handle, byref(mechanism.struct), wrapping_key, key
        self.module.call("WrapKey", *arguments, None, byref(length))
        promised = length.value
        buffer = ctypes.create_string_buffer(promised)
        self.module.call("WrapKey", *arguments, buffer, byref(length))
        if length.value != promised:
            raise AssertionError(f"C_WrapKey promised {promised} bytes and wrote {length.value}")
        return buffer.raw

    def unwrap(self, mechanism: structs.Mechanism, unwrapping_key: int, wrapped: bytes, template: Template) -> int:
        """C_UnwrapKey"""
        attributes, keep = template_array(template)
        handle = c_ulong()
        self.module.call(
            "UnwrapKey", self.handle, byref(mechanism.struct), unwrapping_key, wrapped, len(wrapped),
            attributes, len(attributes), byref(handle),
        )
        del keep
        return handle.value

    def sign(self, mechanism: int, key: int, data: bytes) -> bytes:
        """C_SignInit and C_Sign"""
        return self._one_shot("Sign", mechanism, key, data)

    def encrypt(self, mechanism: int | structs.Mechanism, key: int, data: bytes) -> bytes:
        """C_EncryptInit and C_Encrypt"""
        return self._one_shot("Encrypt", mechanism, key, data)

    def decrypt(self, mechanism: int | structs.Mechanism, key: int, data: bytes) -> bytes:
        """C_DecryptInit and C_Decrypt"""
        return self._one_shot("Decrypt", mechanism, key, data)

    def _one_shot(self, operation: str, mechanism: int | structs.Mechanism, key: int, data: bytes) -> bytes:
        if isinstance(mechanism, int):
            mechanism = structs.Mechanism(mechanism)
        self.module.call(f"{operation}Init", self.handle, byref(mechanism.struct), key)
        length = c_ulong(len(data) + 2048)
        buffer = ctypes.create_string_buffer(length.value)
        self.module.call(operation, self.handle, data, len(data), buffer, byref(length))
        return buffer.raw[: length.value]


def template_array(template: Template) -> tuple[ctypes.Array, list[object]]:
    """The C array, and the buffers it points to."""
    buffers = [_buffer(value) for _, value in template]
    rows = ((kind, cast(b, c_void_p), len(b)) for (kind, _), b in zip(template, buffers, strict=True))
    return (structs.Attribute * len(buffers))(*rows), buffers


def _buffer(value: Value) -> ctypes.Array:
    if isinstance(value, bool):
        value = bytes([value])
    elif isinstance(value, int):
        value = bytes(c_ulong(value))
    elif isinstance(value, str):
        value = value.encode()
    return ctypes.create_string_buffer(value, len(value))
