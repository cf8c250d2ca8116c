//! The keys that clouds take, and what can be told of a blob without the KEK's private half.
//!
//! A blob is `RSA-OAEP(AES key) ‖ AES-KWP(target)`, so its length tells KEK size and target type.
use super::kid::Service;
use std::ops::RangeInclusive;

/// A type of key that a cloud imports; which one takes which, [`super::cloud`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Target {
    Rsa {
        bits: usize,
    },
    Ec {
        curve: Curve,
    },
    Aes {
        bits: usize,
    },
    /// A generic secret, an HMAC key among them. No type of Azure's.
    Secret {
        bits: usize,
    },
}

/// An elliptic curve that clouds take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Curve {
    P256,
    P384,
    P521,
    P256K,
}

/// Sizes of the KEKs that Azure makes, in bytes of modulus.
pub const KEK_SIZES: [usize; 3] = [256, 384, 512];

impl Curve {
    /// Every one of them.
    pub const ALL: [Curve; 4] = [Curve::P256, Curve::P384, Curve::P521, Curve::P256K];

    /// The one of an object identifier as DER, see [`Self::oid`].
    pub fn of_oid(oid: &[u8]) -> Option<Curve> {
        Curve::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// Its name in Azure.
    pub const fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
            Curve::P256K => "P-256K",
        }
    }

    /// Its object identifier as DER, the value of `CKA_EC_PARAMS` (SEC 2, RFC 5480).
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Curve::P256 => &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
            Curve::P384 => &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22],
            Curve::P521 => &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23],
            Curve::P256K => &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A],
        }
    }

    /// Length of a coordinate and of a private scalar in bytes.
    pub const fn size(self) -> usize {
        match self {
            Curve::P256 | Curve::P256K => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }
}

impl Target {
    /// Every type of Azure's, in the order of its documentation.
    pub const ALL: [Target; 10] = [
        Target::Rsa { bits: 2048 },
        Target::Rsa { bits: 3072 },
        Target::Rsa { bits: 4096 },
        Target::Ec { curve: Curve::P256 },
        Target::Ec { curve: Curve::P384 },
        Target::Ec { curve: Curve::P521 },
        Target::Ec { curve: Curve::P256K },
        Target::Aes { bits: 128 },
        Target::Aes { bits: 192 },
        Target::Aes { bits: 256 },
    ];

    /// `RSA-2048`, `P-256`, `AES-128`.
    pub fn name(self) -> String {
        match self {
            Target::Rsa { bits } => format!("RSA-{bits}"),
            Target::Ec { curve } => curve.name().to_owned(),
            Target::Aes { bits } => format!("AES-{bits}"),
            Target::Secret { bits } => format!("secret-{bits}"),
        }
    }

    /// Whether `service` imports it, if Azure does: symmetric keys go to a Managed HSM only.
    pub fn goes_to(self, service: Service) -> bool {
        !matches!((self, service), (Target::Aes { .. }, Service::Vault))
    }

    /// The lengths that what is wrapped can have, in bytes: PKCS#8, or the value of a secret key.
    pub fn key_lens(self) -> Vec<RangeInclusive<usize>> {
        match self {
            Target::Rsa { bits } => {
                // numbers with leading zero bytes make the encoding shorter
                let longest = rsa_pkcs8_len(bits / 8);
                vec![longest.saturating_sub(32)..=longest]
            }
            Target::Ec { curve } => [PublicPart::Absent, PublicPart::Present]
                .map(|public| ec_pkcs8_len(curve, public))
                .map(|len| len..=len)
                .to_vec(),
            Target::Aes { bits } | Target::Secret { bits } => vec![bits / 8..=bits / 8],
        }
    }

    /// The lengths its KWP part (RFC 5649) can have, in bytes.
    pub fn wrapped_lens(self) -> Vec<RangeInclusive<usize>> {
        let wrapped = |lens: RangeInclusive<usize>| kwp_len(*lens.start())..=kwp_len(*lens.end());
        self.key_lens().into_iter().map(wrapped).collect()
    }

    /// Whether a KWP part of `wrapped` bytes certainly holds no padding: the key's length is known, and
    /// a multiple of 8.
    pub fn is_whole(self, wrapped: usize) -> bool {
        let all = self.key_lens();
        let mut fitting = all
            .iter()
            .filter(|lens| (kwp_len(*lens.start())..=kwp_len(*lens.end())).contains(&wrapped));
        fitting
            .next()
            .is_some_and(|lens| *lens.start() == *lens.end() && lens.start() + 8 == wrapped)
            && fitting.next().is_none()
    }
}

/// The types of Azure's whose blob under a KEK of `kek_size` bytes of modulus is `ciphertext_len` bytes long.
pub fn targets_of_len(kek_size: usize, ciphertext_len: usize) -> Vec<Target> {
    let Some(wrapped) = ciphertext_len.checked_sub(kek_size) else {
        return Vec::new();
    };
    let fits = |target: &Target| target.wrapped_lens().iter().any(|lens| lens.contains(&wrapped));
    if wrapped % 8 == 0 { Target::ALL.into_iter().filter(fits).collect() } else { Vec::new() }
}

/// Length of RFC 5649's output for `len` bytes of key.
const fn kwp_len(len: usize) -> usize {
    len.div_ceil(8) * 8 + 8
}

/// Whether an EC private key carries `[1] publicKey` (RFC 5915 section 3).
#[derive(Clone, Copy)]
enum PublicPart {
    Absent,
    Present,
}

/// Length of a DER element with `len` bytes of content.
const fn der_len(len: usize) -> usize {
    len + match len {
        0..0x80 => 2,
        0x80..0x100 => 3,
        0x100..0x1_0000 => 4,
        _ => 5,
    }
}

/// The longest PrivateKeyInfo of an RSA key with `size` bytes of modulus and e = 65537.
const fn rsa_pkcs8_len(size: usize) -> usize {
    let key = 3 + 2 * der_len(size + 1) + 5 + 5 * der_len(size / 2 + 1);
    der_len(3 + 15 + der_len(der_len(key)))
}

/// The PrivateKeyInfo of an EC key with a named curve, without `[0] parameters`.
const fn ec_pkcs8_len(curve: Curve, public: PublicPart) -> usize {
    let public = match public {
        PublicPart::Absent => 0,
        PublicPart::Present => der_len(der_len(2 + 2 * curve.size())),
    };
    let key = der_len(3 + der_len(curve.size()) + public);
    // id-ecPublicKey takes 9 bytes
    der_len(3 + der_len(9 + curve.oid().len()) + der_len(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenSSL-shaped keys give, for KEKs of 2048, 3072 and 4096 bits.
    const MEASURED: [(&str, [usize; 3]); 7] = [
        ("AES-256", [296, 424, 552]),
        ("P-256", [408, 536, 664]),
        ("P-384", [456, 584, 712]),
        ("P-521", [512, 640, 768]),
        ("RSA-2048", [1488, 1616, 1744]),
        ("RSA-3072", [2064, 2192, 2320]),
        ("RSA-4096", [2640, 2768, 2896]),
    ];

    #[test]
    fn measured_lengths_are_known() {
        for (name, lens) in MEASURED {
            for (kek, len) in KEK_SIZES.into_iter().zip(lens) {
                let names: Vec<String> =
                    targets_of_len(kek, len).into_iter().map(Target::name).collect();
                assert_eq!(names, [name], "{kek} {len}");
            }
        }
    }

    #[test]
    fn no_length_is_two_types() {
        for len in 0..4000 {
            assert!(targets_of_len(256, len).len() <= 1, "{len}");
        }
        assert!(targets_of_len(256, 297).is_empty());
        assert!(targets_of_len(256, 255).is_empty());
    }

    #[test]
    fn whole_keys_are_known() {
        let ec = |curve| Target::Ec { curve };
        for (target, wrapped, whole) in [
            (Target::Aes { bits: 256 }, 40, true),
            (Target::Secret { bits: 160 }, 32, false),
            (ec(Curve::P256), 80, false),
            (ec(Curve::P256), 152, false),
            (Target::Rsa { bits: 2048 }, 1232, false),
        ] {
            assert_eq!(target.is_whole(wrapped), whole, "{} {wrapped}", target.name());
        }
    }

    #[test]
    fn only_managed_hsms_take_symmetric_keys() {
        for target in Target::ALL {
            assert!(target.goes_to(Service::ManagedHsm));
            assert_eq!(target.goes_to(Service::Vault), !target.name().starts_with("AES"));
        }
    }
}
