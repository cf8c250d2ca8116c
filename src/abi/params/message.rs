//! Parameters of one message, which have places in them for what comes out: nonce and tag.
use super::{Caller, LONGEST, gcm_tag_len, invalid, is};
use crate::abi::caller::{Output, Places};
use crate::ck::*;
use crate::crypto::aead::ChaChaPoly;
use crate::crypto::aes::Direction;
use crate::error::{Error, Result};
use crate::mechanism::nonces::{Generator, Nonce};
use crate::mechanism::{Mechanism, Message, MessageShape};
use crate::session::Sealed;
use std::ffi::c_void;

/// A message's parameter as it came.
#[derive(Clone, Copy, Debug)]
pub(in crate::abi) struct MessageParams {
    shape: MessageShape,
    data_len: Option<CK_ULONG>,
    nonce: *mut u8,
    nonce_len: CK_ULONG,
    fixed_bits: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    tag: *mut u8,
    tag_len: usize,
}

impl MessageParams {
    /// Length of the tag in bytes.
    pub(in crate::abi) fn tag_len(&self) -> usize {
        self.tag_len
    }
}

/// Where in its parameter a message's nonce and tag go.
pub(in crate::abi) struct MessagePlaces<'call> {
    nonce: Places<'call, u8>,
    tag: Places<'call, u8>,
}

impl MessagePlaces<'_> {
    /// Gives all that there is.
    pub(in crate::abi) fn put(mut self, output: Output<'_>, sealed: Sealed) -> Result<()> {
        self.nonce.put(&sealed.nonce)?;
        self.tag.put(&sealed.tag)?;
        output.put(sealed.output)
    }
}

/// The longest message whose length is told beforehand, which is collected: 1 GiB.
const LONGEST_DATA: CK_ULONG = 1 << 30;

impl<'call> Caller<'call> {
    /// A mechanism for messages of its own parameters. What the standard's examples pass here is
    /// the parameter of the first message, of which nothing counts yet.
    pub(in crate::abi) fn message_mechanism(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<Option<&'static Mechanism>> {
        if at.is_null() {
            return Ok(None);
        }
        let raw = self.read(at)?;
        let mechanism = Mechanism::of(raw.mechanism)?;
        let shape = mechanism.message.ok_or(Error::MechanismInvalid)?;
        if raw.ulParameterLen != 0 || !raw.pParameter.is_null() {
            self.message_params(shape, raw.pParameter, raw.ulParameterLen)?;
        }
        Ok(Some(mechanism))
    }

    /// The parameter of a message.
    pub(in crate::abi) fn message_params(
        &self,
        shape: MessageShape,
        at: *mut c_void,
        len: CK_ULONG,
    ) -> Result<MessageParams> {
        let raw = CK_MECHANISM { mechanism: 0, pParameter: at, ulParameterLen: len };
        match shape {
            MessageShape::Gcm => gcm(&self.structure(&raw)?),
            MessageShape::Ccm => ccm(&self.structure(&raw)?),
            MessageShape::ChaChaPoly => chacha(&self.structure(&raw)?),
        }
    }

    /// That a message has no parameter: nothing but its mechanism's is known for signatures.
    pub(in crate::abi) fn no_message_params(&self, at: *mut c_void, len: CK_ULONG) -> Result<()> {
        match (at.is_null(), len) {
            (_, 0) => Ok(()),
            (true, _) => invalid("the parameter is NULL"),
            (false, _) => invalid("a parameter where none belongs"),
        }
    }

    /// The message that a parameter is for. Decryption looks at no generator.
    pub(in crate::abi) fn message(
        &self,
        direction: Direction,
        params: &MessageParams,
    ) -> Result<Message> {
        let bytes = self.part(params.nonce, params.nonce_len, LONGEST.1)?;
        if bytes.is_empty() {
            return invalid("a message without a nonce");
        }
        let (generator, fixed_bits) = match direction {
            Direction::Encrypt => (generator(params.generator)?, params.fixed_bits),
            Direction::Decrypt => (Generator::Given, 0),
        };
        let (Ok(data_len), Ok(fixed_bits)) =
            (params.data_len.map(usize::try_from).transpose(), usize::try_from(fixed_bits))
        else {
            return invalid("a message with absurd lengths");
        };
        if params.data_len.is_some_and(|len| len > LONGEST_DATA) {
            return invalid("a message that is too long to collect");
        }
        let nonce = Nonce { bytes, generator, fixed_bits };
        Ok(Message { shape: params.shape, nonce, tag_len: params.tag_len, data_len })
    }

    /// A mechanism that wraps with the parameter of a message, and that parameter: PKCS#11 3.2,
    /// sections 5.18.6 and 5.18.7.
    pub(in crate::abi) fn message_wrapping(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<(&'static Mechanism, MessageParams)> {
        let raw = self.read(at)?;
        let mechanism = Mechanism::of(raw.mechanism)?;
        let shape = mechanism.message.filter(|_| mechanism.wrap.is_some());
        let shape = shape.ok_or(Error::MechanismInvalid)?;
        Ok((mechanism, self.message_params(shape, raw.pParameter, raw.ulParameterLen)?))
    }

    /// The mechanism of `C_WrapKey` or `C_UnwrapKey`, its parameter and its associated data, if it comes
    /// with `CK_GCM_WRAP_PARAMS` or `CK_CCM_WRAP_PARAMS`: PKCS#11 3.2, sections 6.13.3 and 6.13.5. Those
    /// are longer than the parameters for encryption, which are taken for wrapping, too.
    pub(in crate::abi) fn wrap_params(
        &self,
        at: *const CK_MECHANISM,
    ) -> Result<Option<(&'static Mechanism, MessageParams, Vec<u8>)>> {
        let raw = self.read(at)?;
        let mechanism = Mechanism::of(raw.mechanism)?;
        let (params, aad, aad_len) = match mechanism.message.filter(|_| mechanism.wrap.is_some()) {
            Some(MessageShape::Gcm) if is::<CK_GCM_WRAP_PARAMS>(&raw) => {
                let params: CK_GCM_WRAP_PARAMS = self.structure(&raw)?;
                (gcm_wrap(&params)?, params.pAAD, params.ulAADLen)
            }
            Some(MessageShape::Ccm) if is::<CK_CCM_WRAP_PARAMS>(&raw) => {
                let params: CK_CCM_WRAP_PARAMS = self.structure(&raw)?;
                (ccm_wrap(&params)?, params.pAAD, params.ulAADLen)
            }
            _ => return Ok(None),
        };
        Ok(Some((mechanism, params, self.part(aad, aad_len, LONGEST.2)?)))
    }

    /// The output pointer for the nonce of a wrapping whose tag follows the ciphertext.
    pub(in crate::abi) fn nonce_place(
        &self,
        params: &MessageParams,
    ) -> Result<MessagePlaces<'call>> {
        let tag = self.places(std::ptr::null_mut(), 0)?;
        Ok(MessagePlaces { nonce: self.nonce_room(params)?, tag })
    }

    /// Where nonce and tag will go.
    pub(in crate::abi) fn message_places(
        &self,
        params: &MessageParams,
    ) -> Result<MessagePlaces<'call>> {
        Ok(MessagePlaces { nonce: self.nonce_room(params)?, tag: self.tag_room(params)? })
    }

    /// Where a nonce will go.
    pub(in crate::abi) fn nonce_room(&self, params: &MessageParams) -> Result<Places<'call, u8>> {
        self.places(params.nonce, params.nonce_len).or_else(|_| invalid("the nonce is NULL"))
    }

    /// Where a tag will go.
    fn tag_room(&self, params: &MessageParams) -> Result<Places<'call, u8>> {
        let len = crate::abi::caller::ulong(params.tag_len)?;
        self.places(params.tag, len).or_else(|_| invalid("the tag is NULL"))
    }

    /// The tag of a message that is decrypted.
    pub(in crate::abi) fn tag(&self, params: &MessageParams) -> Result<&'call [u8]> {
        let len = crate::abi::caller::ulong(params.tag_len)?;
        self.bytes(params.tag, len).or_else(|_| invalid("the tag is NULL"))
    }

    /// Associated data of a message, at most as long as that of a mechanism's parameter.
    pub(in crate::abi) fn aad(&self, at: *const u8, len: CK_ULONG) -> Result<&'call [u8]> {
        if len > LONGEST.2 {
            return Err(Error::ArgumentsBad.because("the associated data is too long"));
        }
        self.bytes(at, len)
    }
}

fn gcm(params: &CK_GCM_MESSAGE_PARAMS) -> Result<MessageParams> {
    Ok(MessageParams {
        shape: MessageShape::Gcm,
        data_len: None,
        nonce: params.pIv,
        nonce_len: params.ulIvLen,
        fixed_bits: params.ulIvFixedBits,
        generator: params.ivGenerator,
        tag: params.pTag,
        tag_len: gcm_tag_len(params.ulTagBits)?,
    })
}

fn ccm(params: &CK_CCM_MESSAGE_PARAMS) -> Result<MessageParams> {
    let tag_len = match params.ulMACLen {
        4 => 4,
        6 => 6,
        8 => 8,
        10 => 10,
        12 => 12,
        14 => 14,
        16 => 16,
        _ => return invalid("a CCM tag has 4, 6, 8, 10, 12, 14 or 16 bytes"),
    };
    Ok(MessageParams {
        shape: MessageShape::Ccm,
        data_len: Some(params.ulDataLen),
        nonce: params.pNonce,
        nonce_len: params.ulNonceLen,
        fixed_bits: params.ulNonceFixedBits,
        generator: params.nonceGenerator,
        tag: params.pMAC,
        tag_len,
    })
}

fn gcm_wrap(params: &CK_GCM_WRAP_PARAMS) -> Result<MessageParams> {
    gcm(&CK_GCM_MESSAGE_PARAMS {
        pIv: params.pIv,
        ulIvLen: params.ulIvLen,
        ulIvFixedBits: params.ulIvFixedBits,
        ivGenerator: params.ivGenerator,
        pTag: std::ptr::null_mut(),
        ulTagBits: params.ulTagBits,
    })
}

/// "Tokens SHALL ignore any value provided" in `ulDataLen`: the key has a length.
fn ccm_wrap(params: &CK_CCM_WRAP_PARAMS) -> Result<MessageParams> {
    ccm(&CK_CCM_MESSAGE_PARAMS {
        ulDataLen: 0,
        pNonce: params.pNonce,
        ulNonceLen: params.ulNonceLen,
        ulNonceFixedBits: params.ulNonceFixedBits,
        nonceGenerator: params.nonceGenerator,
        pMAC: std::ptr::null_mut(),
        ulMACLen: params.ulMACLen,
    })
}

/// It has no generators. The standard counts its nonce in bits, many callers in bytes.
fn chacha(params: &CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS) -> Result<MessageParams> {
    if !matches!(params.ulNonceLen, 12 | 96) {
        return invalid("ChaCha20-Poly1305 has a nonce of 12 bytes");
    }
    Ok(MessageParams {
        shape: MessageShape::ChaChaPoly,
        data_len: None,
        nonce: params.pNonce,
        nonce_len: 12,
        fixed_bits: 0,
        generator: CKG_NO_GENERATE,
        tag: params.pTag,
        tag_len: ChaChaPoly::TAG,
    })
}

fn generator(number: CK_GENERATOR_FUNCTION) -> Result<Generator> {
    match number {
        CKG_NO_GENERATE => Ok(Generator::Given),
        CKG_GENERATE => Ok(Generator::Own),
        CKG_GENERATE_COUNTER => Ok(Generator::Counter),
        CKG_GENERATE_RANDOM => Ok(Generator::Random),
        CKG_GENERATE_COUNTER_XOR => Ok(Generator::CounterXor),
        _ => invalid("no such generator of nonces"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    const INVALID: Error = Error::MechanismParamInvalid;

    fn caller() -> Caller<'static> {
        // SAFETY: the tests give valid or null pointers.
        unsafe { Caller::for_this_call(&()) }
    }

    fn read<T>(shape: MessageShape, params: T) -> Result<MessageParams> {
        // one byte off, since nobody promises alignment
        let mut memory = vec![0u8; size_of::<T>() + 1];
        let at = memory.as_mut_ptr().wrapping_add(1);
        // SAFETY: the structure fits behind the first byte.
        unsafe { at.cast::<T>().write_unaligned(params) };
        let len = CK_ULONG::try_from(size_of::<T>()).unwrap();
        caller().message_params(shape, at.cast(), len)
    }

    #[test]
    fn what_is_given_is_read_and_what_is_made_is_written() {
        let (mut iv, mut tag) = (*b"twelve bytes", [0u8; 13]);
        let good = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 32,
            ivGenerator: CKG_GENERATE_COUNTER,
            pTag: tag.as_mut_ptr(),
            ulTagBits: 96,
        };
        let params = read(MessageShape::Gcm, good).unwrap();
        assert_eq!(params.tag_len(), 12);
        let message = caller().message(Direction::Encrypt, &params).unwrap();
        let bytes = iv.to_vec();
        let nonce = Nonce { bytes, generator: Generator::Counter, fixed_bits: 32 };
        assert_eq!((message.nonce, message.data_len), (nonce, None));
        caller().nonce_room(&params).unwrap().put(b"made").unwrap();
        caller().tag_room(&params).unwrap().put(&[7; 12]).unwrap();
        assert!(caller().tag_room(&params).unwrap().put(&[7; 13]).is_err());
        assert_eq!(caller().tag(&params), Ok(&[7; 12][..]));
        assert_eq!((&iv, tag[12]), (b"madeve bytes", 0));
    }

    #[test]
    fn decryption_looks_at_no_generator() {
        let mut nonce = [3u8; 12];
        let params = read(
            MessageShape::Ccm,
            CK_CCM_MESSAGE_PARAMS {
                ulDataLen: 5,
                pNonce: nonce.as_mut_ptr(),
                ulNonceLen: 12,
                ulNonceFixedBits: CK_ULONG::MAX,
                nonceGenerator: 99,
                pMAC: null_mut(),
                ulMACLen: 8,
            },
        )
        .unwrap();
        let message = caller().message(Direction::Decrypt, &params).unwrap();
        let given = Nonce { bytes: vec![3; 12], generator: Generator::Given, fixed_bits: 0 };
        assert_eq!((message.nonce, message.data_len), (given, Some(5)));
        assert_eq!(caller().message(Direction::Encrypt, &params), Err(INVALID));
        assert_eq!(caller().tag(&params), Err(INVALID));
        assert!(caller().tag_room(&params).is_err());
    }

    #[test]
    fn lengths_that_cannot_be() {
        let mut nonce = [3u8; 12];
        let good = CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
            pNonce: nonce.as_mut_ptr(),
            ulNonceLen: 12,
            pTag: null_mut(),
        };
        let shape = MessageShape::ChaChaPoly;
        for len in [0, 8, 11, 13, CK_ULONG::MAX] {
            let wrong = CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS { ulNonceLen: len, ..good };
            assert_eq!(read(shape, wrong).err(), Some(INVALID), "{len}");
        }
        for len in [12, 96] {
            let wrong = CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS {
                pNonce: null_mut(),
                ulNonceLen: len,
                ..good
            };
            let params = read(shape, wrong).unwrap();
            assert_eq!(caller().message(Direction::Encrypt, &params), Err(INVALID));
        }
        assert!(read(MessageShape::Gcm, good).is_err());
        assert!(caller().message_params(shape, null_mut(), 24).is_err());
        assert!(caller().message_params(shape, null_mut(), 0).is_err());
        assert_eq!(caller().aad(nonce.as_ptr(), LONGEST.2 + 1), Err(Error::ArgumentsBad));
        assert_eq!(caller().no_message_params(null_mut(), 0), Ok(()));
        assert_eq!(caller().no_message_params(null_mut(), 1), Err(INVALID));
    }
}
