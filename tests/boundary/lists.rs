//! The three ways in and what they give.
use crate::common::*;
use keyferry::abi::{C_GetFunctionList, C_GetInterface, C_GetInterfaceList};
use std::ffi::CStr;
use std::ptr::null_mut;

fn interfaces() -> Vec<CK_INTERFACE> {
    let mut count = 0;
    assert_eq!(unsafe { C_GetInterfaceList(null_mut(), &mut count) }, CKR_OK);
    let mut all = vec![CK_INTERFACE::default(); count as usize];
    assert_eq!(unsafe { C_GetInterfaceList(all.as_mut_ptr(), &mut count) }, CKR_OK);
    assert_eq!(count as usize, all.len());
    all
}

fn version_of(interface: &CK_INTERFACE) -> (u8, u8) {
    let version = unsafe { interface.pFunctionList.cast::<CK_VERSION>().read() };
    (version.major, version.minor)
}

fn list_of_2_40() -> *mut CK_FUNCTION_LIST {
    let mut list = null_mut();
    assert_eq!(unsafe { C_GetFunctionList(&mut list) }, CKR_OK);
    list
}

/// The pointers of a list of `bytes` bytes.
fn pointers(list: *const std::ffi::c_void, bytes: usize) -> Vec<usize> {
    let word = size_of::<usize>();
    (1..bytes / word).map(|n| unsafe { list.cast::<usize>().add(n).read() }).collect()
}

fn all_lists() -> [Vec<usize>; 3] {
    let of = interfaces();
    [
        pointers(of[2].pFunctionList, size_of::<CK_FUNCTION_LIST>()),
        pointers(of[1].pFunctionList, size_of::<CK_FUNCTION_LIST_3_0>()),
        pointers(of[0].pFunctionList, size_of::<CK_FUNCTION_LIST_3_2>()),
    ]
}

#[test]
fn every_list_is_complete() {
    let lists = all_lists();
    assert_eq!(lists.each_ref().map(Vec::len), [68, 92, 104]);
    for list in lists {
        assert!(list.iter().all(|function| *function != 0));
        let distinct: std::collections::BTreeSet<usize> = list.iter().copied().collect();
        assert_eq!(distinct.len(), list.len(), "two functions share one body");
    }
}

#[test]
fn each_list_begins_with_the_one_before() {
    let [v2, v3, v32] = all_lists();
    assert!(v3.starts_with(&v2));
    assert!(v32.starts_with(&v3));
}

#[test]
fn the_function_list_is_2_40() {
    let version = unsafe { (*list_of_2_40()).version };
    assert_eq!((version.major, version.minor), (2, 40));
    assert_eq!(list_of_2_40().cast(), interfaces()[2].pFunctionList);
}

#[test]
fn interfaces_are_newest_first() {
    let all = interfaces();
    assert_eq!(all.iter().map(version_of).collect::<Vec<_>>(), [(3, 2), (3, 0), (2, 40)]);
    for interface in all {
        let name = unsafe { CStr::from_ptr(interface.pInterfaceName.cast()) };
        assert_eq!(name, c"PKCS 11");
        assert_eq!(interface.flags, 0);
    }
}

#[test]
fn the_interface_list_follows_the_two_call_convention() {
    assert_eq!(unsafe { C_GetInterfaceList(null_mut(), null_mut()) }, CKR_ARGUMENTS_BAD);
    let mut room = [CK_INTERFACE::default(); 2];
    let mut count = 2;
    assert_eq!(unsafe { C_GetInterfaceList(room.as_mut_ptr(), &mut count) }, CKR_BUFFER_TOO_SMALL);
    assert_eq!(count, 3);
    assert!(room[0].pFunctionList.is_null());
}

fn get(name: Option<&CStr>, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Rv<(u8, u8)> {
    let name = name.map_or(null_mut(), |name| name.as_ptr().cast_mut().cast());
    let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
    let version = version.as_mut().map_or(null_mut(), std::ptr::from_mut);
    let mut found = null_mut();
    ok(unsafe { C_GetInterface(name, version, &mut found, flags) })?;
    Ok(version_of(unsafe { &*found }))
}

#[test]
fn an_interface_is_found_by_name_version_and_flags() {
    assert_eq!(get(None, None, 0), Ok((3, 2)));
    assert_eq!(get(Some(c"PKCS 11"), None, 0), Ok((3, 2)));
    for version in [(3, 2), (3, 0), (2, 40)] {
        assert_eq!(get(Some(c"PKCS 11"), Some(version), 0), Ok(version));
        assert_eq!(get(None, Some(version), 0), Ok(version));
    }
    for name in [c"", c"PKCS", c"PKCS 11 ", c"pkcs 11", c"Vendor Someone"] {
        assert_eq!(get(Some(name), None, 0), Err(CKR_ARGUMENTS_BAD));
    }
    for version in [(3, 1), (2, 20), (0, 0), (4, 0)] {
        assert_eq!(get(Some(c"PKCS 11"), Some(version), 0), Err(CKR_ARGUMENTS_BAD));
        assert_eq!(get(None, Some(version), 0), Err(CKR_ARGUMENTS_BAD));
    }
    assert_eq!(get(None, None, CKF_INTERFACE_FORK_SAFE), Err(CKR_ARGUMENTS_BAD));
}

#[test]
fn nowhere_to_put_it() {
    assert_eq!(unsafe { C_GetFunctionList(null_mut()) }, CKR_ARGUMENTS_BAD);
    assert_eq!(unsafe { C_GetInterface(null_mut(), null_mut(), null_mut(), 0) }, CKR_ARGUMENTS_BAD);
}
