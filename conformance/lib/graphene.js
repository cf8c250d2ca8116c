// Node's graphene-pk11 does the main job on a token: `graphene.js MODULE LABEL PIN FOLDER`.
//
// FOLDER has KEK.jwk, both halves. Leaves there the blobs, and what their keys do, for others to check.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const graphene = require("graphene-pk11");

const [library, label, pin, folder] = process.argv.slice(2);
const RSA_AES_KEY_WRAP = { name: 0x1054, params: null };
const { KeyType, ObjectClass, KeyGenMechanism } = graphene;

const write = (name, bytes) => fs.writeFileSync(path.join(folder, name), bytes);
const zeros = (session, key) => {
    const cipher = session.createCipher("AES_ECB", key);
    const block = cipher.update(Buffer.alloc(16));
    return Buffer.concat([block, cipher.final()]);
};

function importKek(session) {
    const jwk = JSON.parse(fs.readFileSync(path.join(folder, "KEK.jwk")));
    const part = (name) => Buffer.from(jwk[name], "base64url");
    const numbers = { modulus: part("n"), publicExponent: part("e") };
    const common = { keyType: KeyType.RSA, token: false };
    const open = session.create({ ...common, ...numbers, class: ObjectClass.PUBLIC_KEY, wrap: true, encrypt: true });
    const secret = session.create({
        ...common, ...numbers, class: ObjectClass.PRIVATE_KEY, unwrap: true, decrypt: true,
        privateExponent: part("d"), prime1: part("p"), prime2: part("q"),
        exp1: part("dp"), exp2: part("dq"), coefficient: part("qi"),
    });
    return { open: open.toType(), secret: secret.toType() };
}

const aesKey = (session, extractable = true) => session.generateKey(KeyGenMechanism.AES, {
    keyType: KeyType.AES, valueLen: 32, token: false, extractable, encrypt: true, decrypt: true, wrap: true,
});

const CASES = {
    "wrap an AES key": ({ session, kek }) => {
        const key = aesKey(session);
        const blob = session.wrapKey(RSA_AES_KEY_WRAP, kek.open, key);
        assert.strictEqual(blob.length, 256 + 40);
        write("aes.blob", blob);
        write("aes.zeros", zeros(session, key));
    },
    "unwrap it": ({ session, kek }) => {
        const key = session.unwrapKey(RSA_AES_KEY_WRAP, kek.secret, fs.readFileSync(path.join(folder, "aes.blob")), {
            class: ObjectClass.SECRET_KEY, keyType: KeyType.AES, token: false, encrypt: true,
        });
        assert.deepStrictEqual(zeros(session, key), fs.readFileSync(path.join(folder, "aes.zeros")));
    },
    "wrap an RSA private key and unwrap it": ({ session, kek }) => {
        const pair = session.generateKeyPair(KeyGenMechanism.RSA,
            { keyType: KeyType.RSA, modulusBits: 2048, publicExponent: Buffer.from([1, 0, 1]), token: false, verify: true },
            { keyType: KeyType.RSA, token: false, sign: true, extractable: true });
        const blob = session.wrapKey(RSA_AES_KEY_WRAP, kek.open, pair.privateKey);
        write("rsa.blob", blob);
        write("rsa.modulus", pair.publicKey.getAttribute({ modulus: null }).modulus);
        const again = session.unwrapKey(RSA_AES_KEY_WRAP, kek.secret, blob, {
            class: ObjectClass.PRIVATE_KEY, keyType: KeyType.RSA, token: false, sign: true,
        });
        const signature = session.createSign("SHA256_RSA_PKCS", again).once(Buffer.from("a message"));
        assert(session.createVerify("SHA256_RSA_PKCS", pair.publicKey).once(Buffer.from("a message"), signature));
    },
    "wrap in two steps, with OAEP of SHA-256": ({ session, kek }) => {
        const key = aesKey(session);
        const oaep = { name: "RSA_PKCS_OAEP", params: new graphene.RsaOaepParams(graphene.MechanismEnum.SHA256, graphene.RsaMgf.MGF1_SHA256) };
        const wrapped = session.wrapKey(oaep, kek.open, key);
        const again = session.unwrapKey(oaep, kek.secret, wrapped, {
            class: ObjectClass.SECRET_KEY, keyType: KeyType.AES, token: false, encrypt: true,
        });
        assert.deepStrictEqual(zeros(session, again), zeros(session, key));
    },
    "a key that stays": ({ session, kek }) => {
        assert.throws(() => session.wrapKey(RSA_AES_KEY_WRAP, kek.open, aesKey(session, false)), /CKR_KEY_UNEXTRACTABLE/);
    },
    "a damaged blob": ({ session, kek }) => {
        const blob = Buffer.from(fs.readFileSync(path.join(folder, "aes.blob")));
        blob[blob.length - 1] ^= 1;
        assert.throws(() => session.unwrapKey(RSA_AES_KEY_WRAP, kek.secret, blob, {
            class: ObjectClass.SECRET_KEY, keyType: KeyType.AES, token: false,
        }), /CKR_WRAPPED_KEY_INVALID/);
    },
};

const module_ = graphene.Module.load(library, "token");
module_.initialize();
const slots = module_.getSlots(true);
const slot = Array.from({ length: slots.length }, (_, n) => slots.items(n)).find((one) => one.getToken().label === label);
const session = slot.open(graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION);
session.login(pin);
const kek = importKek(session);
for (const [name, test] of Object.entries(CASES)) {
    try {
        test({ session, kek });
        console.log(`ok ${name}`);
    } catch (error) {
        console.log(`FAILED ${name}: ${error.message}`);
    }
}
session.logout();
session.close();
module_.finalize();
