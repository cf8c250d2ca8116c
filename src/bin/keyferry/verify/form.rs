//! What a file says of itself: its form, the members of a package, the request around it.
use super::checks::Checks;
use crate::output::{Fault, fault};
use crate::whom::Party;
use keyferry::byok::azure::{ALG, ENC, Kid, Package, SCHEMA};
use keyferry::byok::bare;
use keyferry::byok::cloud::{AZURE, Encoding};
use keyferry::byok::file::{BlobFile, Format, Request, of_request};
use serde_json::Value;

/// Checks the form, and answers what could be read.
pub fn check(checks: &mut Checks, party: Party, bytes: &[u8]) -> Option<BlobFile> {
    let format = Format::of(bytes);
    let says = |(): &()| format!("{}, {} bytes", format.name(), bytes.len());
    checks.result("form", fits(party, format, bytes), says);
    if format == Format::Package && !is_json(bytes) && !checks.are_good() {
        return None;
    }
    let readable = match format {
        Format::Package => members(checks, bytes),
        Format::Request => {
            let package = request(checks, bytes)?;
            members(checks, &package)
        }
        Format::Release | Format::Base64 | Format::Base64Url | Format::Raw => true,
    };
    // also what was not looked at one by one, such as a member that stands there twice
    let says = |file: &BlobFile| format!("blob of {} bytes", file.blob.len());
    if readable { checks.result("structure", BlobFile::parse(bytes), says) } else { None }
}

/// Whether this is how the party takes it. An empty file is told elsewhere.
fn fits(party: Party, format: Format, bytes: &[u8]) -> Result<(), Fault> {
    if let Some((at, stray)) = stray(format, bytes) {
        return Err(fault!(
            "text that is neither JSON nor base64: character {at} is '{stray}'; it is damaged: export the key again"
        ));
    }
    let Party::Cloud(cloud) = party else { return Ok(()) };
    let text = bytes.trim_ascii_end();
    let (wanted, found) = match cloud.encoding {
        _ if bytes.is_empty() => return Ok(()),
        _ if cloud.command == AZURE.command => match format {
            Format::Package | Format::Request => return Ok(()),
            other => ("a key transfer package, or a request with one", other.name()),
        },
        Encoding::Raw | Encoding::Base64Url => match format {
            Format::Raw => return Ok(()),
            other => ("the bytes themselves", other.name()),
        },
        Encoding::Base64 => {
            let found = match format {
                Format::Base64 if text.contains(&b'\n') => "base64 in several lines",
                Format::Base64 if !text.len().is_multiple_of(4) => "base64 without its padding",
                Format::Base64 => return Ok(()),
                other => other.name(),
            };
            ("base64 in one line, with padding", found)
        }
    };
    Err(fault!(
        "{found}, and {} takes {wanted}; it is cut off, or made for another: export the key again",
        cloud.name
    ))
}

/// The first character, from 1, that has no place in a text which is neither JSON nor in parts with dots between.
fn stray(format: Format, bytes: &[u8]) -> Option<(usize, char)> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end();
    let in_base64 = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
    if format != Format::Package || is_json(bytes) || text.contains('.') {
        return None;
    }
    (1..).zip(text.chars()).find(|(_, c)| !in_base64(*c))
}

fn is_json(bytes: &[u8]) -> bool {
    let text = bare(bytes);
    text.starts_with(b"{") || text.starts_with(b"[")
}

/// What a request says, and the package in it.
fn request(checks: &mut Checks, bytes: &[u8]) -> Option<Vec<u8>> {
    let read = of_request(bytes);
    let read = read.and_then(|(request, package)| request.check().map(|()| (request, package)));
    let says = |(request, package): &(Request, Vec<u8>)| {
        let crv = request.crv.as_deref().unwrap_or_default();
        format!("{} {crv}, package of {} bytes", request.kty, package.len())
    };
    Some(checks.result("request", read, says)?.1)
}

const MEMBERS: [(&str, &str, &str); 3] = [
    ("schema_version", "/schema_version", SCHEMA),
    ("alg", "/header/alg", ALG),
    ("enc", "/header/enc", ENC),
];

/// Member by member, as far as there is any. Answers whether each is as it should be.
fn members(checks: &mut Checks, package: &[u8]) -> bool {
    let mut own = Checks::default();
    check_members(&mut own, package);
    let readable = own.are_good();
    checks.extend(own);
    readable
}

fn check_members(checks: &mut Checks, package: &[u8]) {
    let value = match serde_json::from_slice::<Value>(bare(package)) {
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
