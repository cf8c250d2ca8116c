//! Stores on a full disk and on a medium that can only be read: file systems of the test's own.
#![cfg(target_os = "linux")]
use crate::common::*;
use crate::disk::{data, named};
use std::fs::{File, copy, create_dir, remove_file};
use std::io::Write;
use std::path::Path;
use std::process::Command;

const ALONE: &str = "KEYFERRY_TEST_MOUNTED";
const RESERVE: &str = "store/keyferry.reserve";

/// Runs `test` in a process of its own, where it may mount a small file system in `folder`: as root, or where the
/// system lets any user have a name space.
fn mounted(name: &str, test: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(ALONE) {
        let folder = Path::new(&folder);
        mount(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"], folder);
        return test(folder);
    }
    let may = |flag: &&str| {
        let mount = "mount -t tmpfs tmpfs /mnt";
        let tried = Command::new("unshare").args([flag, "-m", "sh", "-c", mount]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    let flag = ["--propagation=private", "-r"].into_iter().find(may);
    let flag = flag.expect("this test mounts a file system; run it as root");
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("unshare")
        .args([flag, "-m"])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, folder.path())
        .status();
    assert!(status.unwrap().success());
}

fn mount(args: &[&str], folder: &Path) {
    assert!(Command::new("mount").args(args).arg(folder).status().unwrap().success());
}

fn config(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("store").display())
}

/// Fills the file system, but for `free` bytes or a little more.
fn fill(folder: &Path, free: usize) {
    let (path, room) = (folder.join("filler"), folder.join("room"));
    let _ = remove_file(&path);
    File::create(&room).unwrap().write_all(&vec![7; free]).unwrap();
    let mut file = File::create(path).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    remove_file(room).unwrap();
}

/// Makes a token with an object that can go.
fn prepare(folder: &Path) {
    with_store(&config(folder), |p| {
        let session = p.token(0).unwrap();
        data(&session, "may go");
        data(&session, "stays");
    });
}

fn login(p: &Pkcs11, who: CK_USER_TYPE, pin: &[u8]) -> Rv<Session> {
    let session = p.open_rw(0).unwrap();
    session.login(who, pin).map(|()| session)
}

#[test]
fn full_disk_lets_log_in_and_destroy() {
    mounted("medium::full_disk_lets_log_in_and_destroy", |folder| {
        prepare(folder);
        fill(folder, 0);
        for _ in 0..3 {
            with_store(&config(folder), |p| {
                for (who, pin) in [(CKU_USER, PIN), (CKU_SO, SO_PIN)].repeat(4) {
                    login(p, who, pin).unwrap().logout().unwrap();
                }
                assert_eq!(login(p, CKU_USER, b"wrong").err(), Some(CKR_PIN_INCORRECT));
                assert_ne!(p.token_info(0).unwrap().flags & CKF_USER_PIN_COUNT_LOW, 0);
            });
        }
        with_store(&config(folder), |p| {
            let session = login(p, CKU_USER, PIN).unwrap();
            let large = vec![1; 600 << 10];
            let template = attrs![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_VALUE => large];
            assert_eq!(session.create(&template), Err(CKR_DEVICE_MEMORY));
            session.destroy(named(&session, "may go")[0]).unwrap();
        });
        with_store(&config(folder), |p| {
            let session = login(p, CKU_USER, PIN).unwrap();
            assert!(named(&session, "may go").is_empty());
            assert_eq!(named(&session, "stays").len(), 1);
        });
    });
}

/// Without the reserve there is room for the first write and not for the second, or for none.
#[test]
fn nearly_full_disk_never_locks_the_right_pin() {
    mounted("medium::nearly_full_disk_never_locks_the_right_pin", |folder| {
        prepare(folder);
        for free in (0..20).map(|n| n * 4096) {
            with_store(&config(folder), |p| {
                let _ = remove_file(folder.join(RESERVE));
                let session = p.open_rw(0).unwrap();
                fill(folder, free);
                for (who, pin) in [(CKU_USER, PIN), (CKU_SO, SO_PIN)].repeat(6) {
                    match session.login(who, pin) {
                        Ok(()) => session.logout().unwrap(),
                        Err(refused) => assert_eq!(refused, CKR_DEVICE_MEMORY),
                    }
                }
            });
            remove_file(folder.join("filler")).unwrap();
        }
        with_store(&config(folder), |p| {
            for (who, pin) in [(CKU_USER, PIN), (CKU_SO, SO_PIN)] {
                login(p, who, pin).unwrap().logout().unwrap();
            }
        });
    });
}

#[test]
fn medium_that_can_only_be_read_is_used() {
    mounted("medium::medium_that_can_only_be_read_is_used", |folder| {
        prepare(folder);
        // with the log and its index, and the database alone
        create_dir(folder.join("alone")).unwrap();
        create_dir(folder.join("alone/store")).unwrap();
        let database = "store/keyferry.db";
        copy(folder.join(database), folder.join("alone").join(database)).unwrap();
        mount(&["-o", "remount,ro"], folder);
        for folder in [folder, &folder.join("alone")] {
            with_store(&config(folder), |p| {
                let session = login(p, CKU_USER, PIN).unwrap();
                let object = named(&session, "stays")[0];
                assert_eq!(session.bytes(object, CKA_VALUE).unwrap(), b"stays");
                assert_eq!(session.destroy(object), Err(CKR_TOKEN_WRITE_PROTECTED));
                assert_eq!(session.set_pin(PIN, b"another"), Err(CKR_TOKEN_WRITE_PROTECTED));
            });
        }
        // ten guesses for this process, whatever it starts again
        for n in 0..10u8 {
            with_store(&config(folder), |p| {
                assert_eq!(login(p, CKU_USER, &[n; 4]).err(), Some(CKR_PIN_INCORRECT));
            });
        }
        with_store(&config(folder), |p| {
            assert_eq!(login(p, CKU_USER, PIN).err(), Some(CKR_PIN_LOCKED));
            login(p, CKU_SO, SO_PIN).unwrap();
        });
    });
}
