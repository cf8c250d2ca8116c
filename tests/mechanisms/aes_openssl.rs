//! What OpenSSL says of random messages, both ways.
use super::aes_streams::ctr;
use crate::common::*;
use std::io::Write;
use std::process::Stdio;

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = openssl_command()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need the openssl command");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {args:?}");
    output.stdout
}

#[test]
fn ciphers() {
    with_token(|t| {
        for (bits, size) in [("128", 16), ("192", 24), ("256", 32)] {
            let (value, iv) = (t.random(size).unwrap(), t.random(16).unwrap());
            let key = t.secret(CKK_AES, &value).unwrap();
            let iv_mech = |ckm| Mech::bytes(ckm, &iv);
            for (name, mech, block) in [
                ("ecb", Mech::new(CKM_AES_ECB), 16),
                ("cbc", iv_mech(CKM_AES_CBC), 16),
                ("cbc", iv_mech(CKM_AES_CBC_PAD), 1),
                ("ctr", ctr(128, &to_hex(&iv)), 1),
                ("ofb", iv_mech(CKM_AES_OFB), 1),
                ("cfb", iv_mech(CKM_AES_CFB128), 1),
                ("cfb8", iv_mech(CKM_AES_CFB8), 1),
            ] {
                let plain = t.random(block * 77).unwrap();
                let (name, key_hex, iv_hex) =
                    (format!("-aes-{bits}-{name}"), to_hex(&value), to_hex(&iv));
                let mut args = vec!["enc", &name, "-K", &key_hex];
                if mech.ckm != CKM_AES_ECB {
                    args.extend(["-iv", &iv_hex]);
                }
                if mech.ckm != CKM_AES_CBC_PAD {
                    args.push("-nopad");
                }
                let sealed = t.encrypt(&mech, key, &plain).unwrap();
                assert_eq!(openssl(&args, &plain), sealed, "{args:?}");
                args.push("-d");
                assert_eq!(openssl(&args, &sealed), plain, "{args:?}");
            }
        }
    });
}

/// OpenSSL's variant of CTS is the standard's, CS1, unless it is told otherwise.
#[test]
fn ciphertext_stealing() {
    with_token(|t| {
        for (bits, size) in [("128", 16), ("192", 24), ("256", 32)] {
            let (value, iv) = (t.random(size).unwrap(), t.random(16).unwrap());
            let key = t.secret(CKK_AES, &value).unwrap();
            let mech = Mech::bytes(CKM_AES_CTS, &iv);
            let (name, value, iv) = (format!("-AES-{bits}-CBC-CTS"), to_hex(&value), to_hex(&iv));
            for len in [16, 17, 31, 32, 33, 1000] {
                let plain = t.random(len).unwrap();
                let sealed = t.encrypt(&mech, key, &plain).unwrap();
                let args = ["enc", &name, "-K", &value, "-iv", &iv];
                assert_eq!(openssl(&args, &plain), sealed, "{args:?} {len}");
                let back = openssl(&[&args[..], &["-d"]].concat(), &sealed);
                assert_eq!(back, plain, "{args:?} {len}");
            }
        }
    });
}

/// RFC 3394 and RFC 5649, of keys that are wrapped and unwrapped.
#[test]
fn key_wrap() {
    let wraps = [
        (&[CKM_AES_KEY_WRAP][..], "wrap", "a6a6a6a6a6a6a6a6", &[16, 24, 64][..]),
        (&[CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP], "wrap-pad", "a65959a6", &[1, 8, 20, 64]),
    ];
    with_token(|t| {
        for (bits, size) in [("128", 16), ("192", 24), ("256", 32)] {
            let value = t.random(size).unwrap();
            let kek = t.secret(CKK_AES, &value).unwrap();
            for (mechanisms, name, iv, lens) in wraps {
                let (name, value) = (format!("-id-aes{bits}-{name}"), to_hex(&value));
                let args = ["enc", &name, "-K", &value, "-iv", iv];
                for (ckm, len) in mechanisms.iter().flat_map(|c| lens.iter().map(move |n| (c, *n)))
                {
                    let (plain, mech) = (t.random(len).unwrap(), Mech::new(*ckm));
                    let key = t.secret(CKK_GENERIC_SECRET, &plain).unwrap();
                    let wrapped = t.wrap(&mech, kek, key).unwrap();
                    assert_eq!(openssl(&args, &plain), wrapped, "{args:?} {len}");
                    let back = openssl(&[&args[..], &["-d"]].concat(), &wrapped);
                    assert_eq!(back, plain, "{args:?} {len}");
                }
            }
        }
    });
}

#[test]
fn macs() {
    with_token(|t| {
        for (bits, size) in [("128", 16), ("192", 24), ("256", 32)] {
            let (value, iv) = (t.random(size).unwrap(), t.random(12).unwrap());
            let key = t.secret(CKK_AES, &value).unwrap();
            let text = t.random(1234).unwrap();
            let hexkey = format!("hexkey:{}", to_hex(&value));
            let cipher = format!("cipher:AES-{bits}-CBC");
            let args =
                ["mac", "-binary", "-macopt", &hexkey, "-macopt", &cipher, "-in", "-", "CMAC"];
            let code = t.sign(&Mech::new(CKM_AES_CMAC), key, &text).unwrap();
            assert_eq!(openssl(&args, &text), code);
            let (cipher, hexiv) =
                (format!("cipher:AES-{bits}-GCM"), format!("hexiv:{}", to_hex(&iv)));
            let mut args = vec!["mac", "-binary", "-macopt", &hexkey, "-macopt", &hexiv];
            args.extend(["-macopt", &cipher, "-in", "-", "GMAC"]);
            let mut gmac = Mech::gcm(&iv, b"", 128);
            gmac.ckm = CKM_AES_GMAC;
            assert_eq!(openssl(&args, &text), t.sign(&gmac, key, &text).unwrap());
        }
    });
}

#[test]
fn chacha() {
    with_token(|t| {
        let (value, nonce) = (t.random(32).unwrap(), t.random(12).unwrap());
        let key = t.secret(CKK_CHACHA20, &value).unwrap();
        let mech = Mech::with(CKM_CHACHA20, |keep| CK_CHACHA20_PARAMS {
            pBlockCounter: keep(&[5, 0, 0, 0]),
            blockCounterBits: 32,
            pNonce: keep(&nonce),
            ulNonceBits: 96,
        });
        let plain = t.random(1000).unwrap();
        let iv = format!("05000000{}", to_hex(&nonce));
        let args = ["enc", "-chacha20", "-K", &to_hex(&value), "-iv", &iv];
        assert_eq!(openssl(&args, &plain), t.encrypt(&mech, key, &plain).unwrap());
    });
}
