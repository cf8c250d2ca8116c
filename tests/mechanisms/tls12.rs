//! The key schedule of TLS 1.2.
use crate::aes_openssl::{openssl, to_hex};
use crate::common::*;
use crate::derive::*;
use std::ptr::null_mut;

/// NIST CAVP, "800-135testvectors", tls.rsp: the first cases of TLS 1.2 with SHA-256, SHA-384 and
/// SHA-512. Premaster secret; random bytes of the client's and the server's hello; master secret;
/// random bytes of the client and the server; key block.
const CAVP: [(CK_MECHANISM_TYPE, [&str; 7]); 3] = [
    (
        CKM_SHA256,
        [
            "f8938ecc9edebc5030c0c6a441e213cd24e6f770a50dda07876f8d55da062bcadb386b411fd4fe4313a604fce6c17fbc",
            "36c129d01a3200894b9179faac589d9835d58775f9b5ea3587cb8fd0364cae8c",
            "f6c9575ed7ddd73e1f7d16eca115415812a43c2b747daaaae043abfb50053fce",
            "202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a043e5d52a65e66125188bf",
            "62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616",
            "ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868",
            "d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531016a2530c51a3a0f7e1d6590d0f0566b\
             2f387f8d11fd4f731cdd572d2eae927f6f2f81410b25e6960be68985add6c38445ad9f8c64bf8068bf9a6679485d966f\
             1ad6f68b43495b10a683755ea2b858d70ccac7ec8b053c6bd41ca299d4e51928",
        ],
    ),
    (
        CKM_SHA384,
        [
            "a5e2642633f5b8c81ad3fe0c2fe3a8e5ef806b06121dd10df4bb0fe857bfdcf522558e05d2682c9a80c741a3aab1716f",
            "abe4bf5527429ac8eb13574d2709e8012bd1a113c6d3b1d3aa2c3840518778ac",
            "cb6e0b3eb02976b6466dfa9651c2919414f1648fd3a7838d02153e5bd39535b6",
            "b4d49bfa87747fe815457bc3da15073d6ac73389e703079a3503c09e14bd559a5b3c7c601c7365f6ea8c68d3d9596827",
            "954b5fe1849c2ede177438261f099a2fcd884d001b9fe1de754364b1f6a6dd8e",
            "1b1c8568344a65c30828e7483c0e353e2c68641c9551efae6927d9cd627a107c",
            "10fd89ef689c7ef033387b8a8f3e5e8e7c11f680f6bdd71fbac3246a73e98d45d03185dde686e6b2369e4503e9dc5a6d\
             2cee3e2bf2fa3f41d3de57dff3e197c8a9d5f74cc2d277119d894f8584b07a0a5822f0bd68b3433ec6adaf5c9406c5f3\
             ddbb71bbe17ce98f3d4d5893d3179ef369f57aad908e2bf710639100c3ce7e0c",
        ],
    ),
    (
        CKM_SHA512,
        [
            "dfef39af25c12663a91ee5d27042b9644a16ef55b81055d1bd7dcb0b8f06eb001708cdefcf82591defca1a6f1ac693ab",
            "78bc5298dfe9cf8ed336c2e2f0f6b46e2456f39f35f1143cd21eaa16277025b2",
            "e2339a6c681eb30808883971b1ce5b9b1ece0f3d011a96a7fff1f5f9d80ffd4b",
            "a70c5fe8d34b645a20ce98969bd30858e729c77c8a5f05d3e289219d6b5752b75b75e1ca00d3329658d7f188ed1ab7e0",
            "b5c41ac5ebd55d136d916547fee741bc1b509f766d50b29d7378b0cebace3c8a",
            "11cfbd3b45e5e917c4edbabc27b9feac833bbbacabd079465b2759fab3063330",
            "a56650076e6bdaad7e1ea42d68a0f5ffead9b6b5232ba538767e4cc6a3ae9abcae897b068645496cd620f865ce087908\
             1a98901fb98b112ce1f00165e7d6b3288eb4d4ed9811fdbbc24e290b8e448c71da72498449ea67cfdafd66adc31a89d8\
             3cc44cf01c749fb531494ff8cb9a677762a7220e32b7f251fde09841bf97110e",
        ],
    ),
];

pub fn randoms(client: &[u8], server: &[u8]) -> CK_SSL3_RANDOM_DATA {
    CK_SSL3_RANDOM_DATA {
        pClientRandom: ptr(client),
        ulClientRandomLen: len(client),
        pServerRandom: ptr(server),
        ulServerRandomLen: len(server),
    }
}

/// `C_DeriveKey` with nowhere to put a key, as the standard wants it for the keys of a connection.
pub fn derive_keys(s: &Session, mech: &Mech, base: Handle, template: Template<'_>) -> Rv<()> {
    let (mut raw, mut mech) = (RawTemplate::new(template), mech.raw());
    call!(s.C_DeriveKey(s.handle, &mut mech, base, raw.ptr(), raw.count(), null_mut()))
}

/// Lengths in bytes of MAC key, key, initialisation vector.
pub type Lens = (usize, usize, usize);

/// The keys of a connection: MAC keys, keys; initialisation vectors.
pub fn keys(
    s: &Session,
    (ckm, hash): (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE),
    master: Handle,
    (mac, key, iv): Lens,
    template: Template<'_>,
    randoms: CK_SSL3_RANDOM_DATA,
) -> Rv<([Handle; 4], [Vec<u8>; 2])> {
    let mut ivs = [vec![0; iv], vec![0; iv]];
    let mut out = CK_SSL3_KEY_MAT_OUT {
        hClientMacSecret: 99,
        pIVClient: ivs[0].as_mut_ptr(),
        pIVServer: ivs[1].as_mut_ptr(),
        ..Default::default()
    };
    let mut params = key_params(hash, (mac, key, iv), randoms);
    params.pReturnedKeyMaterial = &mut out;
    derive_keys(s, &with(ckm, &mut params), master, template)?;
    let handles = [out.hClientMacSecret, out.hServerMacSecret, out.hClientKey, out.hServerKey];
    Ok((handles, ivs))
}

pub fn key_params(
    hash: CK_MECHANISM_TYPE,
    (mac, key, iv): Lens,
    randoms: CK_SSL3_RANDOM_DATA,
) -> CK_TLS12_KEY_MAT_PARAMS {
    CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: 8 * mac as CK_ULONG,
        ulKeySizeInBits: 8 * key as CK_ULONG,
        ulIVSizeInBits: 8 * iv as CK_ULONG,
        bIsExport: CK_FALSE,
        RandomInfo: randoms,
        pReturnedKeyMaterial: null_mut(),
        prfHashMechanism: hash,
    }
}

pub fn master_params(
    hash: CK_MECHANISM_TYPE,
    client: &[u8],
    server: &[u8],
) -> CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
    CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
        RandomInfo: randoms(client, server),
        pVersion: null_mut(),
        prfHashMechanism: hash,
    }
}

#[test]
fn cavp() {
    with_token(|t| {
        for (hash, vector) in CAVP {
            let [premaster, client, server, master, later_client, later_server, block] =
                vector.map(hex);
            let base = t.secret(CKK_GENERIC_SECRET, &premaster).unwrap();
            let mut version = CK_VERSION { major: 9, minor: 9 };
            let mut params = master_params(hash, &client, &server);
            let mech = with(CKM_TLS12_MASTER_KEY_DERIVE_DH, &mut params);
            assert_eq!(value(t, &mech, base, &open(48)).unwrap(), master);
            params.pVersion = &mut version;
            let mech = with(CKM_TLS12_MASTER_KEY_DERIVE, &mut params);
            let key = derive(t, &mech, base, &open_whole()).unwrap();
            assert_eq!(t.bytes(key, CKA_VALUE).unwrap(), master);
            assert_eq!([version.major, version.minor], premaster[..2]);

            let randoms = randoms(&later_client, &later_server);
            let generic = attrs![CKA_KEY_TYPE => CKK_GENERIC_SECRET];
            for lens @ (mac, len, iv) in [(20, 32, 12), (0, 48, 16), (64, 0, 0), (32, 24, 0)] {
                let both = (CKM_TLS12_KEY_AND_MAC_DERIVE, hash);
                let (handles, ivs) = keys(t, both, key, lens, &generic, randoms).unwrap();
                let mut all = Vec::new();
                for handle in handles.into_iter().filter(|handle| *handle != CK_INVALID_HANDLE) {
                    all.extend(t.bytes(handle, CKA_VALUE).unwrap());
                }
                all.extend(ivs.concat());
                assert_eq!(all, block[..2 * (mac + len + iv)]);
            }
            let safe = (CKM_TLS12_KEY_SAFE_DERIVE, hash);
            let (handles, ivs) = keys(t, safe, key, (0, 48, 16), &generic, randoms).unwrap();
            assert_eq!(t.bytes(handles[3], CKA_VALUE).unwrap(), block[48..96]);
            assert_eq!(handles[..2], [CK_INVALID_HANDLE; 2]);
            assert_eq!(ivs.concat(), [0; 32]);
        }
    });
}

pub const BOTH: (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE) = (CKM_TLS12_KEY_AND_MAC_DERIVE, CKM_SHA256);
pub const SAFE: (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE) = (CKM_TLS12_KEY_SAFE_DERIVE, CKM_SHA256);

/// The random bytes of a connection whose keys matter to nobody.
pub static ONES: [u8; 32] = [1; 32];

pub fn ones() -> CK_SSL3_RANDOM_DATA {
    randoms(&ONES, &ONES)
}

pub fn finished(side: CK_ULONG, hash: CK_MECHANISM_TYPE, len: CK_ULONG) -> CK_TLS_MAC_PARAMS {
    CK_TLS_MAC_PARAMS { prfHashMechanism: hash, ulMacLength: len, ulServerOrClient: side }
}

/// The connection of <https://tls12.xargs.org>: ECDHE with X25519, AES-128-CBC, HMAC-SHA-1.
#[test]
fn a_whole_handshake() {
    let premaster = hex("df4a291baa1eb7cfa6934b29b474baad2697e29f1f920dcc77c8a0a088447624");
    let (client, server): (Vec<u8>, Vec<u8>) = ((0..0x20).collect(), (0x70..0x90).collect());
    let messages = hex("061dda04b3c2217ff73bd79b9cf88a2bb6ec505404aac8722db03ef417b54cb4");
    with_token(|t| {
        let premaster = t.secret(CKK_GENERIC_SECRET, &premaster).unwrap();
        let mut params = master_params(CKM_SHA256, &client, &server);
        let mech = with(CKM_TLS12_MASTER_KEY_DERIVE_DH, &mut params);
        let master = derive(t, &mech, premaster, &open_whole()).unwrap();
        let expected = "916abf9da55973e13614ae0a3f5d3f37b023ba129aee02cc\
                        9134338127cd7049781c8e19fc1eb2a7387ac06ae237344c";
        assert_eq!(t.bytes(master, CKA_VALUE).unwrap(), hex(expected));

        let aes = attrs![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 16usize];
        let randoms = randoms(&client, &server);
        let (handles, ivs) = keys(t, BOTH, master, (20, 16, 16), &aes, randoms).unwrap();
        let values = handles.map(|key| t.bytes(key, CKA_VALUE).unwrap());
        assert_eq!(values[0], hex("1b7d117c7d5f690bc263cae8ef60af0f1878acc2"));
        assert_eq!(values[1], hex("2ad8bdd8c601a617126f63540eb20906f781fad2"));
        assert_eq!(values[2], hex("f656d037b173ef3e11169f27231a84b6"));
        assert_eq!(values[3], hex("752a18e7a9fcb7cbcdd8f98dd8f769eb"));
        assert_eq!(ivs[0], hex("a0d2550c9238eebfef5c32251abb67d6"));
        assert_eq!(ivs[1], hex("434528db4937d540d393135e06a11bb8"));

        for ckm in [CKM_TLS_MAC, CKM_TLS12_MAC] {
            let mut client = finished(2, CKM_SHA256, 12);
            let mech = with(ckm, &mut client);
            let code = t.sign(&mech, master, &messages).unwrap();
            assert_eq!(code, hex("cf919626f1360c536aaad73a"));
            assert_eq!(t.verify(&mech, master, &messages, &code), Ok(()));
            let server = t.sign(&with(ckm, &mut finished(1, CKM_SHA256, 12)), master, &messages);
            let server = server.unwrap();
            let wrong = t.verify(&mech, master, &messages, &server);
            assert_eq!(wrong, Err(CKR_SIGNATURE_INVALID));
            let short = t.verify(&mech, master, &messages, &code[1..]);
            assert_eq!(short, Err(CKR_SIGNATURE_LEN_RANGE));
            // the messages may come in parts
            t.sign_init(&mech, master).unwrap();
            messages.chunks(5).for_each(|part| t.sign_update(part).unwrap());
            assert_eq!(t.sign_final().unwrap(), code);
        }
    });
}

/// What `openssl kdf` makes of a secret and a seed with its label.
fn prf(hash: &str, secret: &[u8], seed: &[u8], n: usize) -> Vec<u8> {
    let (n, digest) = (n.to_string(), format!("digest:{hash}"));
    let (secret, seed) =
        (format!("hexsecret:{}", to_hex(secret)), format!("hexseed:{}", to_hex(seed)));
    let args = ["kdf", "-keylen", &n, "-binary", "-kdfopt", &digest, "-kdfopt", &secret];
    openssl(&[&args[..], &["-kdfopt", &seed, "TLS1-PRF"]].concat(), &[])
}

const HASHES: [(CK_MECHANISM_TYPE, &str, usize); 4] = [
    (CKM_SHA224, "SHA2-224", 28),
    (CKM_SHA256, "SHA2-256", 32),
    (CKM_SHA384, "SHA2-384", 48),
    (CKM_SHA512, "SHA2-512", 64),
];

#[test]
fn extended_master_secrets_beside_openssl() {
    with_token(|t| {
        for (hash, name, size) in HASHES {
            let (premaster, session) = (t.random(48).unwrap(), t.random(size).unwrap());
            let base = t.secret(CKK_GENERIC_SECRET, &premaster).unwrap();
            let seed = [b"extended master secret", &session[..]].concat();
            let expected = prf(name, &premaster, &seed, 48);
            let mut version = CK_VERSION { major: 9, minor: 9 };
            let mut params = CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
                prfHashMechanism: hash,
                pSessionHash: ptr(&session),
                ulSessionHashLen: len(&session),
                pVersion: null_mut(),
            };
            let dh = CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH;
            let master = value(t, &with(dh, &mut params), base, &open_whole());
            assert_eq!(master, Ok(expected.clone()));
            params.pVersion = &mut version;
            let refused = value(t, &with(dh, &mut params), base, &open_whole());
            assert_eq!(refused, Err(CKR_MECHANISM_PARAM_INVALID));
            let mech = with(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, &mut params);
            assert_eq!(value(t, &mech, base, &open_whole()), Ok(expected));
            assert_eq!([version.major, version.minor], premaster[..2]);
            params.ulSessionHashLen -= 1;
            let mech = with(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, &mut params);
            let refused = value(t, &mech, base, &open_whole());
            assert_eq!(refused, Err(CKR_MECHANISM_PARAM_INVALID));
        }
    });
}

#[test]
fn codes_and_exported_keys_beside_openssl() {
    with_token(|t| {
        for (hash, name, size) in HASHES {
            let (secret, messages) = (t.random(48).unwrap(), t.random(size).unwrap());
            let master = t.secret(CKK_GENERIC_SECRET, &secret).unwrap();
            for (side, label) in [(1, &b"server finished"[..]), (2, b"client finished")] {
                let mut params = finished(side, hash, 30);
                let code = t.sign(&with(CKM_TLS_MAC, &mut params), master, &messages).unwrap();
                assert_eq!(code, prf(name, &secret, &[label, &messages].concat(), 30));
            }
            let (client, server) = (t.random(32).unwrap(), t.random(32).unwrap());
            let mut params = CK_TLS_KDF_PARAMS {
                prfMechanism: hash,
                pLabel: ptr(b"EXPERIMENTAL-test"),
                ulLabelLength: 17,
                RandomInfo: randoms(&client, &server),
                pContextData: null_mut(),
                ulContextDataLength: 0,
            };
            let seed = [b"EXPERIMENTAL-test", &client[..], &server].concat();
            let mut exported = |ckm, context: Option<&[u8]>| {
                params.pContextData = context.map_or(null_mut(), ptr);
                params.ulContextDataLength = context.map_or(0, len);
                value(t, &with(ckm, &mut params), master, &open(100)).unwrap()
            };
            assert_eq!(exported(CKM_TLS_KDF, None), prf(name, &secret, &seed, 100));
            assert_eq!(exported(CKM_TLS12_KDF, None), prf(name, &secret, &seed, 100));
            let empty = [&seed[..], &[0, 0]].concat();
            assert_eq!(exported(CKM_TLS_KDF, Some(b"")), prf(name, &secret, &empty, 100));
            let some = [&seed[..], &[0, 7], b"context"].concat();
            assert_eq!(exported(CKM_TLS12_KDF, Some(b"context")), prf(name, &secret, &some, 100));
        }
    });
}

#[test]
fn premaster_secrets_begin_with_the_version() {
    with_token(|t| {
        let mut version = CK_VERSION { major: 3, minor: 3 };
        let mech = with(CKM_TLS_PRE_MASTER_KEY_GEN, &mut version);
        let shown = attrs![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let made = [(); 2].map(|()| t.generate(&mech, &shown).unwrap());
        let values = made.map(|key| t.bytes(key, CKA_VALUE).unwrap());
        assert!(values.iter().all(|value| value.len() == 48 && value[..2] == [3, 3]));
        assert_ne!(values[0], values[1]);
        assert_eq!(t.ulong(made[0], CKA_KEY_TYPE), Ok(CKK_GENERIC_SECRET));
        assert_eq!(t.ulong(made[0], CKA_VALUE_LEN), Ok(48));
        assert_eq!(t.flag(made[0], CKA_LOCAL), Ok(true));
        let other = t.generate(&mech, &attrs![CKA_VALUE_LEN => 47usize]);
        assert_eq!(other, Err(CKR_TEMPLATE_INCONSISTENT));
        let none = t.generate(&Mech::new(CKM_TLS_PRE_MASTER_KEY_GEN), &shown);
        assert_eq!(none, Err(CKR_MECHANISM_PARAM_INVALID));
    });
}
