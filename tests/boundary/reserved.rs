//! `pReserved` of `C_Initialize`, which may be anything: a configuration is taken, all else refused.
//! Each call is in a child, which a crash does not take the other tests along with.
use super::children::in_child;
use crate::common::*;
use std::ffi::c_void;
use std::ptr::{null_mut, without_provenance_mut};

const PAGE: usize = 4096;

fn initialize(reserved: *mut c_void) -> Rv<()> {
    let p = Pkcs11::new();
    let mut args = CK_C_INITIALIZE_ARGS { pReserved: reserved, ..CK_C_INITIALIZE_ARGS::default() };
    call!(p.C_Initialize(void(&mut args)))
}

fn refused(reserved: *mut c_void, what: &str) {
    in_child(|| {
        assert_eq!(initialize(reserved), Err(CKR_ARGUMENTS_BAD), "{what}");
        assert_eq!(Pkcs11::new().info().err(), Some(CKR_CRYPTOKI_NOT_INITIALIZED), "{what}");
    });
}

fn taken(reserved: *mut c_void, what: &str) {
    in_child(|| {
        initialize(reserved).unwrap_or_else(|rv| panic!("{what}: {rv:#x}"));
        Pkcs11::new().finalize().unwrap();
    });
}

/// A mapped page, filled by `fill`, and behind it one that cannot be read.
fn before_the_void(fill: impl FnOnce(&mut [u8])) -> *mut u8 {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let at = unsafe { libc::mmap(null_mut(), 2 * PAGE, access, flags, -1, 0) };
    assert_ne!(at, libc::MAP_FAILED);
    fill(unsafe { std::slice::from_raw_parts_mut(at.cast(), 2 * PAGE) });
    assert_eq!(unsafe { libc::mprotect(at.byte_add(PAGE), PAGE, libc::PROT_NONE) }, 0);
    at.cast()
}

#[test]
fn addresses_without_memory_are_refused() {
    let _alone = alone();
    for address in [1, 2, 7, 4095, 4096, 1 << 47, 1 << 63, usize::MAX - 7, usize::MAX] {
        refused(without_provenance_mut(address), &format!("{address:#x}"));
    }
    let pages = before_the_void(|bytes| bytes[PAGE..PAGE + 8].copy_from_slice(b"memory:\0"));
    refused(unsafe { pages.add(PAGE) }.cast(), "a page that cannot be read");
    assert_eq!(unsafe { libc::munmap(pages.cast(), 2 * PAGE) }, 0);
    refused(pages.cast(), "a page that is gone");
}

#[test]
fn text_that_runs_into_the_void_is_refused() {
    let _alone = alone();
    let text = b"config=/c";
    let pages = before_the_void(|bytes| {
        bytes[PAGE - text.len()..PAGE].copy_from_slice(text);
    });
    for n in 1..=text.len() {
        refused(unsafe { pages.add(PAGE - n) }.cast(), "no NUL before the end of the page");
    }
}

#[test]
fn text_that_ends_with_its_page_is_taken() {
    let _alone = alone();
    let text = b"memory:\0";
    let pages = before_the_void(|bytes| {
        bytes[PAGE - text.len()..PAGE].copy_from_slice(text);
    });
    taken(unsafe { pages.add(PAGE - text.len()) }.cast(), "memory:");
}

#[test]
fn nothing_but_a_configuration_is_taken() {
    let _alone = alone();
    let long = [b"store=".to_vec(), vec![b'a'; 1 << 20]].concat();
    let structure = CK_C_INITIALIZE_ARGS::default();
    let configdir = &b"configdir='sql:/etc/pki/nssdb' certPrefix=''\0"[..];
    for text in [&b"\0"[..], b"memory\0", b" memory:\0", b"\xFF\xFE\0", configdir, &long] {
        refused(ptr(text).cast(), &String::from_utf8_lossy(&text[..text.len().min(40)]));
    }
    refused(std::ptr::from_ref(&structure).cast_mut().cast(), "a structure of zeros");
    refused(main_of_this_test(), "code");
}

fn main_of_this_test() -> *mut c_void {
    (nothing_but_a_configuration_is_taken as fn()) as *mut c_void
}

#[test]
fn configurations_are_taken_wherever_they_lie() {
    let _alone = alone();
    for text in [&b"memory:\0"[..], b"store=memory:\0", b"MEMORY:\0"] {
        for odd in 0..8 {
            let memory = [vec![b'x'; odd], text.to_vec()].concat();
            taken(unsafe { memory.as_ptr().add(odd) }.cast_mut().cast(), "at an odd address");
        }
    }
}
