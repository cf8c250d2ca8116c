//! What a key is made for: the words of `--usage`, and the rights that each grants.
use clap::ValueEnum;
use clap::builder::PossibleValue;
use keyferry::ck::*;
use std::sync::LazyLock;

/// A use of a key; of a pair, the other half gets the other side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Usage {
    Sign,
    Verify,
    Encrypt,
    Decrypt,
    Wrap,
    Unwrap,
    Derive,
}

/// A use as `--usage` names it, and the rights that it grants. All others of the class are denied.
struct Row {
    usage: Usage,
    name: &'static str,
    help: &'static str,
    private: &'static [CK_ATTRIBUTE_TYPE],
    public: &'static [CK_ATTRIBUTE_TYPE],
    secret: &'static [CK_ATTRIBUTE_TYPE],
}

static USAGES: [Row; 7] = [
    Row {
        usage: Usage::Sign,
        name: "sign",
        help: "Sign, and verify with a secret key",
        private: &[CKA_SIGN],
        public: &[CKA_VERIFY],
        secret: &[CKA_SIGN, CKA_VERIFY],
    },
    Row {
        usage: Usage::Verify,
        name: "verify",
        help: "Verify signatures, and sign with a private key",
        private: &[CKA_SIGN],
        public: &[CKA_VERIFY],
        secret: &[CKA_VERIFY],
    },
    Row {
        usage: Usage::Encrypt,
        name: "encrypt",
        help: "Encrypt data, and decrypt it with a private key",
        private: &[CKA_DECRYPT],
        public: &[CKA_ENCRYPT],
        secret: &[CKA_ENCRYPT],
    },
    Row {
        usage: Usage::Decrypt,
        name: "decrypt",
        help: "Decrypt data, and encrypt it with a public key",
        private: &[CKA_DECRYPT],
        public: &[CKA_ENCRYPT],
        secret: &[CKA_DECRYPT],
    },
    Row {
        usage: Usage::Wrap,
        name: "wrap",
        help: "Wrap other keys, and unwrap them with a private key",
        private: &[CKA_UNWRAP],
        public: &[CKA_WRAP],
        secret: &[CKA_WRAP],
    },
    Row {
        usage: Usage::Unwrap,
        name: "unwrap",
        help: "Unwrap other keys, and wrap them with a public key",
        private: &[CKA_UNWRAP],
        public: &[CKA_WRAP],
        secret: &[CKA_UNWRAP],
    },
    Row {
        usage: Usage::Derive,
        name: "derive",
        help: "Derive other keys",
        private: &[CKA_DERIVE],
        public: &[],
        secret: &[CKA_DERIVE],
    },
];

impl ValueEnum for Usage {
    fn value_variants<'a>() -> &'a [Usage] {
        static ALL: LazyLock<Vec<Usage>> =
            LazyLock::new(|| USAGES.iter().map(|row| row.usage).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let row = USAGES.iter().find(|row| row.usage == *self)?;
        Some(PossibleValue::new(row.name).help(row.help))
    }
}

/// Attributes of a private key, of a public key, and of a secret key.
pub type Needs = (Vec<CK_ATTRIBUTE_TYPE>, Vec<CK_ATTRIBUTE_TYPE>, Vec<CK_ATTRIBUTE_TYPE>);

/// Returns the rights that these uses grant; all others are denied.
pub fn needs(usages: &[Usage]) -> Needs {
    let mut needs = Needs::default();
    for row in USAGES.iter().filter(|row| usages.contains(&row.usage)) {
        needs.0.extend_from_slice(row.private);
        needs.1.extend_from_slice(row.public);
        needs.2.extend_from_slice(row.secret);
    }
    needs
}
