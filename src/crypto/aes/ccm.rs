//! AES-CCM (SP 800-38C), for every nonce and tag length it has.
use super::Direction;
use super::mac::Chain;
use crate::crypto::{
    Failed, Secret,
    aws_lc::cipher::{Cipher, Kind},
    same,
};

/// CCM parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ccm {
    /// Length of the plaintext.
    pub data_len: usize,
    /// 7 to 13 bytes.
    pub nonce: Vec<u8>,
    /// Associated data, less than 4 GiB.
    pub aad: Vec<u8>,
    /// Tag length in bytes: 4, 6, 8, 10, 12, 14, 16.
    pub tag_len: usize,
}

impl Ccm {
    /// Whether such a parameter can be.
    pub fn is_sound(&self) -> bool {
        let octets = 15usize.saturating_sub(self.nonce.len());
        let room = u32::try_from(octets * 8).ok().and_then(|bits| 1u128.checked_shl(bits));
        let fits = |room| u128::try_from(self.data_len).is_ok_and(|len| len < room);
        (7..=13).contains(&self.nonce.len())
            && matches!(self.tag_len, 4 | 6 | 8 | 10 | 12 | 14 | 16)
            && room.is_some_and(fits)
            && u32::try_from(self.aad.len()).is_ok()
    }

    /// The first byte, the nonce, and a number that fills the block. Appendix A.2.1 and A.3.
    fn block(&self, first: u8, number: usize) -> Result<[u8; 16], Failed> {
        let mut block = u128::try_from(number).map_err(|_| Failed)?.to_be_bytes();
        let (head, rest) = block.split_first_mut().ok_or(Failed)?;
        *head = first;
        rest.iter_mut().zip(&self.nonce).for_each(|(to, from)| *to = *from);
        Ok(block)
    }

    /// The octets of the length field, less one, as both kinds of block begin.
    fn length_octets(&self) -> Result<u8, Failed> {
        u8::try_from(14usize.checked_sub(self.nonce.len()).ok_or(Failed)?).map_err(|_| Failed)
    }

    /// The tag before it is encrypted: section 6.1, steps 1 to 4.
    fn mac(&self, key: &[u8], plaintext: &[u8]) -> Result<[u8; 16], Failed> {
        if !self.is_sound() || plaintext.len() != self.data_len {
            return Err(Failed);
        }
        let tag = u8::try_from((self.tag_len - 2) / 2).map_err(|_| Failed)?;
        let flags = u8::from(!self.aad.is_empty()) << 6 | tag << 3 | self.length_octets()?;
        let mut chain = Chain::new(key)?;
        chain.absorb(&self.block(flags, plaintext.len())?)?;
        if !self.aad.is_empty() {
            chain.absorb_padded(&self.encoded_aad()?)?;
        }
        chain.absorb_padded(plaintext)?;
        Ok(chain.finish())
    }

    /// Appendix A.2.2.
    fn encoded_aad(&self) -> Result<Vec<u8>, Failed> {
        let len = u32::try_from(self.aad.len()).map_err(|_| Failed)?;
        let mut encoded = match u16::try_from(len) {
            Ok(len) if len < 0xff00 => len.to_be_bytes().to_vec(),
            _ => [&[0xff, 0xfe][..], &len.to_be_bytes()].concat(),
        };
        encoded.extend_from_slice(&self.aad);
        Ok(encoded)
    }

    /// The key stream, and its first block, which hides the tag.
    fn stream(&self, key: &[u8]) -> Result<(Cipher, [u8; 16]), Failed> {
        let start = self.block(self.length_octets()?, 0)?;
        let mut cipher = Cipher::new(Kind::Ctr, Direction::Encrypt, key, &start)?;
        let mut first = Vec::with_capacity(16);
        cipher.update(&[0; 16], &mut first)?;
        Ok((cipher, *first.first_chunk().ok_or(Failed)?))
    }
}

/// Ciphertext and tag.
pub fn ccm_seal(key: &[u8], ccm: &Ccm, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
    let mac = ccm.mac(key, plaintext)?;
    let (mut cipher, first) = ccm.stream(key)?;
    let mut sealed = Vec::new();
    let room = plaintext.len().checked_add(ccm.tag_len).ok_or(Failed)?;
    sealed.try_reserve_exact(room).map_err(|_| Failed)?;
    cipher.update(plaintext, &mut sealed)?;
    sealed.extend(tag(mac, first).iter().take(ccm.tag_len));
    Ok(sealed)
}

/// Plaintext of ciphertext and tag, if both are authentic.
pub fn ccm_open(key: &[u8], ccm: &Ccm, sealed: &[u8]) -> Result<Secret, Failed> {
    let (ciphertext, given) = sealed.split_at_checked(ccm.data_len).ok_or(Failed)?;
    if given.len() != ccm.tag_len || !ccm.is_sound() {
        return Err(Failed);
    }
    let (mut cipher, first) = ccm.stream(key)?;
    let mut plaintext = Secret::default();
    cipher.update(ciphertext, &mut plaintext)?;
    let expected = tag(ccm.mac(key, &plaintext)?, first);
    match expected.get(..ccm.tag_len) {
        Some(expected) if same(expected, given) => Ok(plaintext),
        _ => Err(Failed),
    }
}

fn tag(mac: [u8; 16], first: [u8; 16]) -> [u8; 16] {
    (u128::from_be_bytes(mac) ^ u128::from_be_bytes(first)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SP 800-38C appendix C.4: associated data of 64 KiB, whose length takes six bytes.
    #[test]
    fn example_4_of_nist() {
        let ccm = Ccm {
            data_len: 32,
            nonce: (0x10..=0x1c).collect(),
            aad: (0..65536u32).map(|n| n.to_le_bytes()[0]).collect(),
            tag_len: 14,
        };
        let key: Vec<u8> = (0x40..=0x4f).collect();
        let plain: Vec<u8> = (0x20..=0x3f).collect();
        let sealed = ccm_seal(&key, &ccm, &plain).unwrap();
        let hex: String = sealed.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72\
             b4ac6bec93e8598e7f0dadbcea5b"
        );
        assert_eq!(ccm_open(&key, &ccm, &sealed).unwrap()[..], plain);
    }

    #[test]
    fn lengths_that_cannot_be() {
        let ccm = |data_len, nonce: usize, tag_len| Ccm {
            data_len,
            nonce: vec![1; nonce],
            aad: vec![],
            tag_len,
        };
        assert!(ccm(65535, 13, 16).is_sound());
        assert!(!ccm(65536, 13, 16).is_sound());
        assert!(ccm(65536, 12, 16).is_sound());
        for (nonce, tag_len) in [(6, 16), (14, 16), (15, 16), (16, 16), (12, 0), (12, 5), (12, 18)]
        {
            assert!(!ccm(1, nonce, tag_len).is_sound());
            assert!(ccm_seal(&[0; 16], &ccm(1, nonce, tag_len), b"x").is_err());
            let sealed = vec![0; 1 + tag_len];
            assert!(ccm_open(&[0; 16], &ccm(1, nonce, tag_len), &sealed).is_err());
        }
        assert!(ccm_seal(&[0; 16], &ccm(2, 12, 16), b"x").is_err());
        assert!(ccm_open(&[0; 16], &ccm(2, 12, 16), &[0; 17]).is_err());
    }
}
