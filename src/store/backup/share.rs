//! A share of a recovery secret as a line of text, to be kept on paper or in a file.
//!
//! `keyferry-share-1:BACKUP:NEEDED/OF:SHARE:CHECK`: the backup's identifier, the share (its number
//! first) and the first four bytes of the SHA-256 of all before its last colon, in hexadecimal.
use super::Split;
use crate::crypto::Secret;
use crate::crypto::hash::Hash;

const SCHEME: &str = "keyferry-share-1";

/// A share of the recovery secret of one backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub(super) backup: [u8; 16],
    pub(super) split: Split,
    /// The share's number, then as many bytes as the secret.
    pub(super) value: Secret,
}

impl Share {
    /// The line, with its end.
    pub fn to_line(&self) -> Secret {
        let Split { needed, of } = self.split;
        let head = format!("{SCHEME}:{}:{needed}/{of}:", hex(&self.backup));
        // all of it at once: memory that is grown leaves what was in it behind
        let len = head.len() + 2 * self.value.len() + ":01234567\n".len();
        let mut line = Secret::new(Vec::with_capacity(len));
        line.extend_from_slice(head.as_bytes());
        for byte in self.value.iter() {
            line.extend_from_slice(&digits(*byte));
        }
        let check = check(&line);
        line.extend_from_slice(format!(":{check}\n").as_bytes());
        line
    }

    /// Reads a line; `None` if it is none, or has a typing mistake.
    pub fn parse(line: &str) -> Option<Share> {
        let (content, given) = line.trim().rsplit_once(':')?;
        if !given.eq_ignore_ascii_case(&check(content.as_bytes())) {
            return None;
        }
        let mut parts = content.split(':');
        let (SCHEME, backup, split, value, None) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        let (needed, of) = split.split_once('/')?;
        Some(Share {
            backup: unhex(backup)?.as_slice().try_into().ok()?,
            split: Split { needed: needed.parse().ok()?, of: of.parse().ok()? },
            value: unhex(value)?,
        })
    }

    /// Its number, from 1.
    pub fn number(&self) -> u8 {
        self.value.first().copied().unwrap_or_default()
    }
}

fn check(content: &[u8]) -> String {
    let hash = Hash::Sha256.digest(content);
    hex(hash.get(..4).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

fn digits(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 })
}

fn unhex(digits: &str) -> Option<Secret> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = Secret::new(Vec::with_capacity(pairs.len()));
    for pair in pairs {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        bytes.push(u8::try_from(high? << 4 | low?).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_it_all_and_notices_mistakes() {
        let split = Split { needed: 2, of: 3 };
        let value = Secret::new((2..35).collect());
        let share = Share { backup: [0xAB; 16], split, value };
        let line = share.to_line();
        assert_eq!(line.capacity(), line.len(), "it never moved and left a part behind");
        let line = String::from_utf8(line.to_vec()).unwrap();
        let line = line.strip_suffix('\n').unwrap().to_owned();
        assert!(line.starts_with("keyferry-share-1:abababababababababababababababab:2/3:020304"));
        assert_eq!(Share::parse(&format!("  {line}\r\n")), Some(share.clone()));
        assert_eq!(share.number(), 2);
        for at in 0..line.len() {
            let mut mistake = line.clone().into_bytes();
            mistake[at] = if mistake[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(Share::parse(&String::from_utf8(mistake).unwrap()), None, "{at}");
            assert_eq!(Share::parse(&line[..at]), None, "{at}");
        }
    }
}
