//! The rows of the table: data alone.
use super::{Cloud, Curve, Encoding, Exponent, Form, Hash, Pattern, Taken, Target};

/// Every cloud, in the order of the documentation.
pub static CLOUDS: [&Cloud; 5] = [&AZURE, &AWS, &GCP, &OCI, &VAULT];

const fn rsa(bits: usize, called: &'static str) -> Taken {
    Taken { target: Pattern::One(Target::Rsa { bits }), form: Form::RsaAes, called }
}

const fn ec(curve: Curve, called: &'static str) -> Taken {
    Taken { target: Pattern::One(Target::Ec { curve }), form: Form::RsaAes, called }
}

const fn aes(bits: usize, form: Form, called: &'static str) -> Taken {
    Taken { target: Pattern::One(Target::Aes { bits }), form, called }
}

const fn secret(bits: usize, form: Form, called: &'static str) -> Taken {
    Taken { target: Pattern::One(Target::Secret { bits }), form, called }
}

/// Azure Key Vault Premium and Managed HSM: <https://learn.microsoft.com/azure/key-vault/keys/byok-specification>.
/// Of these, [`Target::goes_to`] says which service takes which.
pub static AZURE: Cloud = Cloud {
    command: "azure",
    name: "Azure",
    hashes: &[(Hash::Sha1, "SHA1")],
    kek_bits: &[2048, 3072, 4096],
    kek_exponent: Exponent::Usual,
    kek_remedy: "create one with `az keyvault key create --kty RSA-HSM --size 4096 --ops import` and \
                 download it with `az keyvault key download`",
    shares_kek: true,
    takes: &[
        rsa(2048, ""),
        rsa(3072, ""),
        rsa(4096, ""),
        ec(Curve::P256, " --kty EC --curve P-256"),
        ec(Curve::P384, " --kty EC --curve P-384"),
        ec(Curve::P521, " --kty EC --curve P-521"),
        ec(Curve::P256K, " --kty EC --curve P-256K"),
        aes(128, Form::RsaAes, " --kty oct"),
        aes(192, Form::RsaAes, " --kty oct"),
        aes(256, Form::RsaAes, " --kty oct"),
    ],
    methods: &[(Form::RsaAes, "CKM_RSA_AES_KEY_WRAP")],
    encoding: Encoding::Base64Url,
    file: "KeyTransferPackage-{key}.byok",
    next: "az keyvault key import {place} {vault} --name {name} --byok-file {file}{called} --ops {ops}",
};

/// AWS KMS: the wrapping is chosen when the KEK is asked for (`GetParametersForImport`). The combined
/// form is for private keys alone.
pub static AWS: Cloud = Cloud {
    command: "aws",
    name: "AWS KMS",
    hashes: &[(Hash::Sha256, "SHA_256"), (Hash::Sha1, "SHA_1")],
    kek_bits: &[2048, 3072, 4096],
    kek_exponent: Exponent::Validated,
    kek_remedy: "ask for one with `aws kms get-parameters-for-import --wrapping-key-spec RSA_4096`",
    shares_kek: false,
    takes: &[
        rsa(2048, "RSA_2048"),
        rsa(3072, "RSA_3072"),
        rsa(4096, "RSA_4096"),
        ec(Curve::P256, "ECC_NIST_P256"),
        ec(Curve::P384, "ECC_NIST_P384"),
        ec(Curve::P521, "ECC_NIST_P521"),
        ec(Curve::P256K, "ECC_SECG_P256K1"),
        aes(256, Form::Oaep, "SYMMETRIC_DEFAULT"),
        secret(224, Form::Oaep, "HMAC_224"),
        secret(256, Form::Oaep, "HMAC_256"),
        secret(384, Form::Oaep, "HMAC_384"),
        secret(512, Form::Oaep, "HMAC_512"),
    ],
    methods: &[(Form::RsaAes, "RSA_AES_KEY_WRAP_{hash}"), (Form::Oaep, "RSAES_OAEP_{hash}")],
    encoding: Encoding::Raw,
    file: "{key}.aws.bin",
    next: "aws kms import-key-material --key-id KEY_ID --encrypted-key-material fileb://{file} \
           --import-token fileb://ImportToken.bin --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE",
};

/// Google Cloud KMS: an import job of a method that says size and hash.
pub static GCP: Cloud = Cloud {
    command: "gcp",
    name: "Google Cloud KMS",
    hashes: &[(Hash::Sha256, "sha256"), (Hash::Sha1, "sha1")],
    kek_bits: &[3072, 4096],
    kek_exponent: Exponent::Validated,
    kek_remedy: "create an import job with `gcloud kms import-jobs create JOB \
                 --import-method rsa-oaep-4096-sha256-aes-256`",
    shares_kek: true,
    takes: &[
        rsa(2048, "rsa-sign-pkcs1-2048-sha256"),
        rsa(3072, "rsa-sign-pkcs1-3072-sha256"),
        rsa(4096, "rsa-sign-pkcs1-4096-sha256"),
        ec(Curve::P256, "ec-sign-p256-sha256"),
        ec(Curve::P384, "ec-sign-p384-sha384"),
        ec(Curve::P256K, "ec-sign-secp256k1-sha256"),
        aes(128, Form::RsaAes, "aes-128-gcm"),
        aes(256, Form::RsaAes, "google-symmetric-encryption"),
        secret(160, Form::RsaAes, "hmac-sha1"),
        secret(224, Form::RsaAes, "hmac-sha224"),
        secret(256, Form::RsaAes, "hmac-sha256"),
        secret(384, Form::RsaAes, "hmac-sha384"),
        secret(512, Form::RsaAes, "hmac-sha512"),
    ],
    methods: &[(Form::RsaAes, "rsa-oaep-{bits}-{hash}-aes-256")],
    encoding: Encoding::Raw,
    file: "{key}.gcp.bin",
    next: "gcloud kms keys versions import --location LOCATION --keyring KEYRING --key {name} \
           --import-job JOB --algorithm {called} --wrapped-key-file {file}",
};

/// Oracle Cloud Infrastructure Vault: every vault has one wrapping key. Takes no EC keys.
pub static OCI: Cloud = Cloud {
    command: "oci",
    name: "Oracle OCI Vault",
    hashes: &[(Hash::Sha256, "SHA256")],
    kek_bits: &[4096],
    kek_exponent: Exponent::Validated,
    kek_remedy: "fetch the vault's with `oci kms management wrapping-key get`",
    shares_kek: true,
    takes: &[
        rsa(2048, r#"{"algorithm":"RSA","length":256}"#),
        rsa(3072, r#"{"algorithm":"RSA","length":384}"#),
        rsa(4096, r#"{"algorithm":"RSA","length":512}"#),
        aes(128, Form::Oaep, r#"{"algorithm":"AES","length":16}"#),
        aes(192, Form::Oaep, r#"{"algorithm":"AES","length":24}"#),
        aes(256, Form::Oaep, r#"{"algorithm":"AES","length":32}"#),
    ],
    methods: &[(Form::RsaAes, "RSA_OAEP_AES_{hash}"), (Form::Oaep, "RSA_OAEP_{hash}")],
    encoding: Encoding::Base64,
    file: "{key}.oci.b64",
    next: "oci kms management key import --endpoint ENDPOINT --compartment-id COMPARTMENT --display-name {name} \
           --key-shape '{called}' --wrapped-import-key \
           \"{\\\"keyMaterial\\\":\\\"$(cat {file})\\\",\\\"wrappingAlgorithm\\\":\\\"{method}\\\"}\"",
};

/// The transit engine of HashiCorp Vault and OpenBao: one wrapping key, RSA-4096.
pub static VAULT: Cloud = Cloud {
    command: "vault",
    name: "HashiCorp Vault",
    hashes: &[
        (Hash::Sha256, "SHA256"),
        (Hash::Sha1, "SHA1"),
        (Hash::Sha224, "SHA224"),
        (Hash::Sha384, "SHA384"),
        (Hash::Sha512, "SHA512"),
    ],
    kek_bits: &[4096],
    // Go's crypto/rsa makes no other
    kek_exponent: Exponent::Usual,
    kek_remedy: "fetch the engine's with `vault read -field=public_key transit/wrapping_key`",
    shares_kek: true,
    takes: &[
        rsa(2048, "rsa-2048"),
        rsa(3072, "rsa-3072"),
        rsa(4096, "rsa-4096"),
        ec(Curve::P256, "ecdsa-p256"),
        ec(Curve::P384, "ecdsa-p384"),
        ec(Curve::P521, "ecdsa-p521"),
        aes(128, Form::RsaAes, "aes128-gcm96"),
        aes(256, Form::RsaAes, "aes256-gcm96"),
        Taken {
            target: Pattern::Secrets { least: 256, most: 4096 },
            form: Form::RsaAes,
            called: "hmac",
        },
    ],
    methods: &[(Form::RsaAes, "hash_function={hash}")],
    encoding: Encoding::Base64,
    file: "{key}.vault.b64",
    next: "vault write transit/keys/{name}/import ciphertext=@{file} type={called} {method}",
};
