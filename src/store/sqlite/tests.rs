//! What only a store in a file can do, and can suffer.
use super::*;
use crate::store::suite::{TOKEN, id, put};

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn handles_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Sqlite::open(folder.path()).unwrap(), Sqlite::open(folder.path()).unwrap());
    let before = b.stamp().unwrap();
    assert_eq!(b.stamp().unwrap(), before);
    a.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    assert_ne!(b.stamp().unwrap(), before);
    assert_eq!(b.read(TOKEN, Revision(0)).unwrap().1.len(), 1);
    assert_eq!(b.write(TOKEN, &[put(1, 0, b"y")]).unwrap(), None);
    b.write(TOKEN, &[put(1, 1, b"y")]).unwrap().unwrap();
    let seen = a.fetch(TOKEN, &[id(1)]).unwrap().remove(0).unwrap();
    assert_eq!(seen.body.as_deref(), Some(&b"y"[..]));
}

/// Whichever connection looks: what others have written does not escape it.
#[test]
fn every_reader_sees_what_others_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Sqlite::open(folder.path()).unwrap(), Sqlite::open(folder.path()).unwrap());
    // while one is lent, another is
    let other = || a.reading(|_| Ok(a.stamp().unwrap())).unwrap();
    other();
    a.stamp().unwrap();
    for n in 1..4 {
        let before = a.stamp().unwrap();
        assert_eq!([other(), a.stamp().unwrap()], [before; 2]);
        b.write(TOKEN, &[put(n, 0, b"x")]).unwrap().unwrap();
        assert!(other() != before && a.stamp().unwrap() != before);
        assert_eq!(a.read(TOKEN, Revision(0)).unwrap().1.len(), usize::from(n));
    }
}

/// A connection that is new finds nothing new, and none finds again what another has found.
#[test]
fn every_reader_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (Sqlite::open(folder.path()).unwrap(), Sqlite::open(folder.path()).unwrap());
    // one while the others are lent, and more than are ever kept
    fn more(store: &Sqlite, stamps: &mut Vec<u64>) -> Result<()> {
        stamps.push(store.stamp()?);
        match stamps.len() {
            0..100 => store.reading(|_| Ok(more(store, stamps)))?,
            _ => Ok(()),
        }
    }
    let all = || {
        let mut stamps = Vec::new();
        more(&a, &mut stamps).unwrap();
        stamps.dedup();
        assert_eq!(stamps.len(), 1);
        stamps[0]
    };
    let empty = all();
    b.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    let one = all();
    a.write(TokenId([8; 16]), &[put(1, 0, b"x")]).unwrap().unwrap();
    let two = all();
    assert!(empty != one && one != two && empty != two);
}

#[test]
fn many_may_open_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for n in 0..6 {
            let path = folder.path().join("new");
            scope.spawn(move || {
                let store = Sqlite::open(&path).unwrap();
                store.write(TokenId([n; 16]), &[put(1, 0, b"x")]).unwrap().unwrap();
            });
        }
    });
    let store = Sqlite::open(&folder.path().join("new")).unwrap();
    assert_eq!(store.tokens().unwrap().len(), 6);
}

#[test]
fn the_file_alone_is_the_store_once_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join(DATABASE), copy.path().join(DATABASE)).unwrap();
    assert_eq!(Sqlite::open(copy.path()).unwrap().tokens().unwrap(), [TOKEN]);
}

#[test]
fn files_are_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let store = Sqlite::open(&path).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    assert_eq!([mode(&folder.path().join("deep")), mode(&path)], [0o700; 2]);
    let files = ["keyferry.db", "keyferry.db-wal", "keyferry.db-shm"];
    assert_eq!(files.map(|file| mode(&path.join(file))), [0o600; 3]);
}

#[test]
fn other_peoples_files_stay_as_they_are() {
    let other = |sql: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DATABASE);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    };
    for sql in [
        "CREATE TABLE theirs (x)",
        "PRAGMA application_id = 5; CREATE TABLE theirs (x)",
        "PRAGMA user_version = 5; CREATE TABLE theirs (x)",
        "PRAGMA application_id = 0x4B465259; PRAGMA user_version = 2; CREATE TABLE newer (x)",
    ] {
        let (folder, path) = other(sql);
        let before = std::fs::read(&path).unwrap();
        assert_eq!(Sqlite::open(folder.path()).unwrap_err(), Error::DeviceError, "{sql}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{sql}");
    }
    let folder = tempfile::tempdir().unwrap();
    let text =
        b"not a database, but long enough to be taken for one, if nobody looks at it closely"
            .repeat(20);
    std::fs::write(folder.path().join(DATABASE), &text).unwrap();
    assert_eq!(Sqlite::open(folder.path()).unwrap_err(), Error::DeviceError);
    assert_eq!(std::fs::read(folder.path().join(DATABASE)).unwrap(), text);
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert_eq!(Sqlite::open(&file).unwrap_err(), Error::DeviceError);
}

#[test]
fn a_full_store_says_so_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    let limit = |pages: u32| {
        let writer = store.writer.lock();
        writer.as_ref().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
    };
    limit(10);
    let big = vec![0; 100_000];
    assert_eq!(store.write(TOKEN, &[put(2, 0, &big)]), Err(Error::DeviceMemory));
    limit(1_000_000);
    assert_eq!(store.read(TOKEN, Revision(0)).unwrap().0, Revision(1));
    store.write(TOKEN, &[put(2, 0, &big)]).unwrap().unwrap();
}

#[test]
fn a_write_protected_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.writer.lock().as_ref().unwrap().pragma_update(None, "query_only", true).unwrap();
    assert_eq!(store.write(TOKEN, &[put(1, 0, b"x")]), Err(Error::TokenWriteProtected));
    assert_eq!(store.tokens().unwrap(), []);
}

#[test]
fn a_child_leaves_its_parents_store_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    store.process = store.process.wrapping_add(1);
    assert_eq!(store.tokens(), Err(Error::DeviceError));
    assert_eq!(store.write(TOKEN, &[]), Err(Error::DeviceError));
    assert_eq!(store.stamp(), Err(Error::DeviceError));
    drop(store);
    // leaked, not closed: the log has not been moved into the file
    let log = std::fs::metadata(folder.path().join("keyferry.db-wal")).unwrap();
    assert!(log.len() > 0);
}

#[test]
fn nonsense_in_the_tables_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    for sql in [
        "UPDATE record SET body = 'text'",
        "UPDATE record SET revision = 'soon'",
        "UPDATE token SET revision = -1",
    ] {
        Connection::open(folder.path().join(DATABASE)).unwrap().execute_batch(sql).unwrap();
        assert_eq!(store.read(TOKEN, Revision(0)).unwrap_err(), Error::DeviceError, "{sql}");
    }
}

#[test]
fn a_file_that_is_gone_or_another_is_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    let store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    assert_eq!(store.presence(), Ok(Presence::Here));
    let aside = folder.path().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    assert_eq!(store.presence(), Ok(Presence::Gone));
    assert_eq!(store.write(TOKEN, &[put(1, 1, b"y")]), Err(Error::DeviceRemoved));
    assert_eq!(store.stamp(), Err(Error::DeviceRemoved));
    std::fs::write(&file, b"").unwrap();
    assert_eq!(store.presence(), Ok(Presence::Replaced));
    assert_eq!(store.tokens(), Err(Error::DeviceRemoved));
    std::fs::rename(&aside, &file).unwrap();
    assert_eq!(store.presence(), Ok(Presence::Here));
    store.write(TOKEN, &[put(1, 1, b"y")]).unwrap().unwrap();
}

/// A copy of a store as it is on disk now, with `damage` done to its log.
fn damaged(folder: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in [DATABASE, reserve::RESERVE] {
        std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    let log = "keyferry.db-wal";
    let mut bytes = std::fs::read(folder.join(log)).unwrap();
    damage(&mut bytes);
    std::fs::write(copy.path().join(log), bytes).unwrap();
    copy
}

#[test]
fn changes_missing_from_a_damaged_log_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.settle().unwrap();
    for n in 1..=20 {
        store.write(TOKEN, &[put(n, 0, &[n; 900])]).unwrap().unwrap();
    }
    assert_eq!(store.missing(), Some(0));
    let missing = |damage: &dyn Fn(&mut Vec<u8>)| {
        let copy = damaged(folder.path(), damage);
        Sqlite::open(copy.path()).unwrap().missing().unwrap()
    };
    assert_eq!(missing(&|_| {}), 0);
    assert_eq!(missing(&|log| log.clear()), 20);
    assert!((1..20).contains(&missing(&|log| log.truncate(log.len() / 2))));
    let len = std::fs::metadata(folder.path().join("keyferry.db-wal")).unwrap().len();
    for at in (0..usize::try_from(len).unwrap()).step_by(3001) {
        assert!((1..=20).contains(&missing(&|log| log[at] ^= 1)), "byte {at}");
    }
}

#[test]
fn writes_after_a_rollback_do_not_hide_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    let open = || Sqlite::open(folder.path()).unwrap();
    let write = |store: &Sqlite, n| store.write(TOKEN, &[put(n, 0, b"x")]).unwrap().unwrap();
    write(&open(), 1);
    let old = std::fs::read(&file).unwrap();
    let store = open();
    (2..=5).for_each(|n| {
        write(&store, n);
    });
    drop(store);
    std::fs::write(&file, old).unwrap();
    for n in 10..20 {
        let store = open();
        assert_eq!(store.missing(), Some(4));
        write(&store, n);
    }
    let store = open();
    store.accept_missing().unwrap();
    assert_eq!(store.missing(), Some(0));
    write(&store, 20);
    drop(store);
    assert_eq!(open().missing(), Some(0));
    std::fs::remove_file(folder.path().join(reserve::RESERVE)).unwrap();
    assert_eq!(open().missing(), None, "nothing tells");
}

#[test]
fn emptied_log_has_nothing_to_lose() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    store.settle().unwrap();
    let copy = damaged(folder.path(), |log| assert!(log.is_empty()));
    let copy = Sqlite::open(copy.path()).unwrap();
    assert_eq!(copy.read(TOKEN, Revision(0)).unwrap().1.len(), 1);
    // a reader in the log is waited for, not for ever
    store.write(TOKEN, &[put(2, 0, b"x")]).unwrap().unwrap();
    let other = Connection::open(folder.path().join(DATABASE)).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM token").unwrap();
    store.write(TOKEN, &[put(3, 0, b"x")]).unwrap().unwrap();
    assert_eq!(store.settle(), Err(Error::FunctionFailed));
    other.execute_batch("COMMIT").unwrap();
    store.settle().unwrap();
}

#[test]
fn space_is_given_up_and_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let len = || std::fs::metadata(folder.path().join(reserve::RESERVE)).unwrap().len();
    let store = Sqlite::open(folder.path()).unwrap();
    store.write(TOKEN, &[put(1, 0, b"x")]).unwrap().unwrap();
    assert_eq!(len(), 256 * 1024);
    assert!(store.reserve.release());
    assert_eq!((len(), store.reserve.marked()), (4096, Some(1)));
    assert!(!store.reserve.release());
    store.reserve.refill();
    assert_eq!((len(), store.reserve.marked()), (256 * 1024, Some(1)));
}
