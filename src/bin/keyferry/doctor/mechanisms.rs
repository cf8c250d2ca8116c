//! The mechanisms that matter, and what the token says of them.
use keyferry::ck::*;
use keyferry::client::Session;
use serde_json::{Value, json};

/// A mechanism, and what it is for here.
const WANTED: [(CK_MECHANISM_TYPE, &str, &str); 8] = [
    (CKM_RSA_AES_KEY_WRAP, "CKM_RSA_AES_KEY_WRAP", "the wrap in one call"),
    (
        CKM_RSA_PKCS_OAEP,
        "CKM_RSA_PKCS_OAEP",
        "in two steps: the AES key (for AWS and Oracle also secret keys)",
    ),
    (CKM_AES_KEY_WRAP_KWP, "CKM_AES_KEY_WRAP_KWP", "in two steps: the key (RFC 5649)"),
    (CKM_AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD", "the same under its older number"),
    (CKM_AES_KEY_GEN, "CKM_AES_KEY_GEN", "in two steps: the AES key"),
    (CKM_RSA_PKCS_KEY_PAIR_GEN, "CKM_RSA_PKCS_KEY_PAIR_GEN", "RSA keys"),
    (CKM_EC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN", "EC keys"),
    (CKM_GENERIC_SECRET_KEY_GEN, "CKM_GENERIC_SECRET_KEY_GEN", "HMAC keys"),
];

const FUNCTIONS: [(CK_FLAGS, &str); 4] = [
    (CKF_WRAP, "wrap"),
    (CKF_UNWRAP, "unwrap"),
    (CKF_GENERATE, "generate"),
    (CKF_GENERATE_KEY_PAIR, "generate pair"),
];

pub const HEADER: [&str; 3] = ["MECHANISM", "OFFERED FOR", "WHAT IT IS FOR"];

/// What the token says of a mechanism.
pub struct Row {
    name: &'static str,
    purpose: &'static str,
    functions: Option<Vec<&'static str>>,
}

/// Every mechanism that matters.
pub fn all(session: &Session) -> Vec<Row> {
    let row = |(ckm, name, purpose)| {
        let info = session.module().mechanism(session.slot(), ckm);
        let functions = info.map(|(flags, _)| {
            FUNCTIONS.iter().filter(|row| flags & row.0 != 0).map(|row| row.1).collect()
        });
        Row { name, purpose, functions }
    };
    WANTED.into_iter().map(row).collect()
}

impl Row {
    /// For people.
    pub fn cells(&self) -> Vec<String> {
        let functions = match &self.functions {
            None => "not offered".to_owned(),
            Some(functions) if functions.is_empty() => "nothing of this".to_owned(),
            Some(functions) => functions.join(", "),
        };
        vec![self.name.to_owned(), functions, self.purpose.to_owned()]
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "name": self.name, "offered": self.functions.is_some(), "functions": self.functions })
    }
}
