//! Message-based functions, PKCS#11 3.2 sections 5.9, 5.11, 5.14 and 5.16.
pub(super) mod encrypt;
pub(super) mod sign;
