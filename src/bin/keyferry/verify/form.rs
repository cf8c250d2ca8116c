//! What a file says of itself: its form, the members of a package, the request around it.
use super::checks::Checks;
use keyferry::byok::azure::{ALG, ENC, Kid, Package, SCHEMA};
use keyferry::byok::file::{BlobFile, Format, of_request};
use serde_json::Value;

/// Checks the form, and answers what could be read.
pub fn check(checks: &mut Checks, bytes: &[u8]) -> Option<BlobFile> {
    let format = Format::of(bytes);
    checks.ok("form", format!("{}, {} bytes", format.name(), bytes.len()));
    match format {
        Format::Package => members(checks, bytes),
        Format::Request => {
            let request = of_request(bytes.trim_ascii());
            let says = |read: &(keyferry::byok::file::Request, Vec<u8>)| {
                let (request, package) = read;
                format!(
                    "{} {}, package of {} bytes",
                    request.kty,
                    request.crv.as_deref().unwrap_or(""),
                    package.len()
                )
            };
            let (_, package) = checks.result("request", request, says)?;
            members(checks, &package);
        }
        Format::Base64 | Format::Base64Url | Format::Raw => {}
    }
    if !checks.are_good() {
        return None;
    }
    // also what was not looked at one by one, such as a member that stands there twice
    checks.result("structure", BlobFile::parse(bytes), |file| {
        format!("blob of {} bytes", file.blob.len())
    })
}

const MEMBERS: [(&str, &str, &str); 3] = [
    ("schema_version", "/schema_version", SCHEMA),
    ("alg", "/header/alg", ALG),
    ("enc", "/header/enc", ENC),
];

/// Member by member, as far as there is any.
fn members(checks: &mut Checks, package: &[u8]) {
    let text = package.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(package);
    let value = match serde_json::from_slice::<Value>(text) {
        Ok(value) if value.is_object() => value,
        _ => {
            let error = Package::parse(package).err().map(|e| e.0);
            return checks.failed("structure", error.unwrap_or_default());
        }
    };
    for (name, pointer, wanted) in MEMBERS {
        match value.pointer(pointer) {
            Some(Value::String(found)) if found == wanted => checks.ok(name, wanted),
            Some(found) => checks
                .failed(name, format!("{name} is {found}, not \"{wanted}\"; export the key again")),
            None => checks.failed(name, format!("{name} is missing; export the key again")),
        }
    }
    match value.pointer("/header/kid").and_then(Value::as_str) {
        Some(kid) => {
            checks.result("kid", Kid::parse(kid), |kid| kid.as_str().to_owned());
        }
        None => checks.failed("kid", "kid is missing, or no text; export the key again with --kid"),
    }
    if !value.get("ciphertext").is_some_and(Value::is_string) {
        checks.failed("ciphertext", "ciphertext is missing, or no text; export the key again");
    }
}
