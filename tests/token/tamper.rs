//! What someone gets who can write the store but has no PIN. Above all: no key wrapped under theirs.
use crate::common::*;
use crate::disk::{Disk, data, named, user};
use rusqlite::{Connection, params};

fn oaep() -> Mech {
    Mech::oaep(CKM_RSA_PKCS_OAEP, CKM_SHA_1, CKG_MGF1_SHA1, b"")
}

/// A KEK on the token, public and private: label "kek".
fn kek(session: &Session) -> (Handle, Handle) {
    let public = attrs![
        CKA_MODULUS_BITS => 2048usize,
        CKA_TOKEN => true,
        CKA_LABEL => "kek",
        CKA_WRAP => true,
    ];
    let private = attrs![CKA_TOKEN => true, CKA_LABEL => "private", CKA_UNWRAP => true];
    let mech = Mech::new(CKM_RSA_PKCS_KEY_PAIR_GEN);
    session.generate_pair(&mech, &public, &private).unwrap()
}

/// A key that anyone may want to wrap, without a login too.
fn target(session: &Session) -> Handle {
    let template = attrs![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_AES,
        CKA_VALUE => &[0x77; 16],
        CKA_PRIVATE => false,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ];
    session.create(&template).unwrap()
}

fn modulus(session: &Session) -> Vec<u8> {
    session.bytes(named(session, "kek")[0], CKA_MODULUS).unwrap()
}

/// The file, in the hands of an attacker.
struct File(Connection);

/// A row: token, id, body.
#[derive(Clone, Debug, PartialEq)]
struct Row(i64, Vec<u8>, Vec<u8>);

impl File {
    fn of(disk: &Disk) -> File {
        File(disk.database())
    }

    /// The row that has these bytes in it.
    fn with(&self, bytes: &[u8]) -> Row {
        let sql = "SELECT token, id, body FROM record WHERE instr(body, ?) > 0";
        let row = |row: &rusqlite::Row<'_>| Ok(Row(row.get(0)?, row.get(1)?, row.get(2)?));
        self.0.query_row(sql, params![bytes], row).unwrap()
    }

    fn put(&self, Row(token, id, body): &Row) {
        let sql = "UPDATE record SET body = ? WHERE token = ? AND id = ?";
        assert_eq!(self.0.execute(sql, params![body, token, id]).unwrap(), 1);
    }

    /// The same, as if the token had written it: every process reads it again.
    fn put_as_new(&self, row: &Row) {
        self.put(row);
        let next = "UPDATE token SET revision = revision + 1 WHERE number = ?";
        self.0.execute(next, params![row.0]).unwrap();
        let newest = "UPDATE record SET revision = (SELECT revision FROM token WHERE number = ?)
                      WHERE token = ? AND id = ?";
        self.0.execute(newest, params![row.0, row.0, row.1]).unwrap();
    }
}

/// `body` with other bytes in the place of some of its own.
fn replaced(row: &Row, from: &[u8], to: &[u8]) -> Row {
    let at = row.2.windows(from.len()).position(|window| window == from).unwrap();
    let mut body = row.2.clone();
    body[at..at + to.len()].copy_from_slice(to);
    Row(row.0, row.1.clone(), body)
}

/// The token does not open, and nothing is wrapped.
fn refused(p: &Pkcs11) {
    let session = p.open_rw(0).unwrap();
    for (who, pin) in [(CKU_USER, PIN), (CKU_SO, SO_PIN)] {
        assert_eq!(session.login(who, pin), Err(CKR_DEVICE_ERROR));
        assert_eq!(session.state(), Ok(CKS_RW_PUBLIC_SESSION));
    }
    assert!(named(&session, "private").is_empty());
    let target = target(&session);
    for kek in session.find(&attrs![CKA_CLASS => CKO_PUBLIC_KEY]).unwrap() {
        let wrapped = session.wrap(&oaep(), kek, target);
        assert_eq!(wrapped, Err(CKR_USER_NOT_LOGGED_IN));
    }
    session.close().unwrap();
}

#[test]
fn nothing_is_wrapped_before_login() {
    let disk = Disk::new();
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        let (public, private) = kek(&session);
        let wrapped = session.wrap(&oaep(), public, target(&session)).unwrap();
        session.logout().unwrap();
        let target = target(&session);
        assert_eq!(session.wrap(&oaep(), public, target), Err(CKR_USER_NOT_LOGGED_IN));
        session.login(CKU_USER, PIN).unwrap();
        let old_handle = session.unwrap(&oaep(), private, &wrapped, &[]);
        assert_eq!(old_handle, Err(CKR_UNWRAPPING_KEY_HANDLE_INVALID));
        assert!(session.wrap(&oaep(), public, target).is_ok());
    });
    disk.visit(|p| {
        let session = p.open_rw(0).unwrap();
        let target = target(&session);
        let public = named(&session, "kek")[0];
        assert_eq!(session.wrap(&oaep(), public, target), Err(CKR_USER_NOT_LOGGED_IN));
        let len = session.wrap_len(&oaep(), public, target);
        assert_eq!(len, Err(CKR_USER_NOT_LOGGED_IN));
        let copy = session.copy(public, &attrs![CKA_TOKEN => false]).unwrap();
        let by_copy = session.wrap(&oaep(), copy, target);
        assert_eq!(by_copy, Err(CKR_USER_NOT_LOGGED_IN), "nor under a copy of it");
        let own = session.import_rsa_public(&modulus(&session), &[1, 0, 1]).unwrap();
        assert!(session.wrap(&oaep(), own, target).is_ok(), "what came by this session is trusted");
    });
}

/// The attack that matters: the KEK's modulus in the file becomes the attacker's.
#[test]
fn a_replaced_kek_is_never_used() {
    let disk = Disk::new();
    let mut theirs = vec![0xC5; 256];
    theirs[255] = 1;
    let ours = disk.visit(|p| {
        let session = p.token(0).unwrap();
        kek(&session);
        modulus(&session)
    });
    let file = File::of(&disk);
    let genuine = file.with(&ours);
    file.put(&replaced(&genuine, &ours, &theirs));
    disk.visit(|p| {
        let session = p.open_ro(0).unwrap();
        assert_eq!(modulus(&session), theirs, "nobody can know before a login");
        session.close().unwrap();
        refused(p);
    });
    file.put(&genuine);
    disk.visit(|p| {
        let session = user(p, 0);
        let wrapped = session.wrap(&oaep(), named(&session, "kek")[0], target(&session)).unwrap();
        let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        session.unwrap(&oaep(), named(&session, "private")[0], &wrapped, &template).unwrap();
    });
}

/// The same while the owner is logged in.
#[test]
fn a_kek_replaced_under_our_eyes() {
    let disk = Disk::new();
    disk.visit(|p| {
        let session = p.token(0).unwrap();
        let (public, private) = kek(&session);
        let (ours, target) = (modulus(&session), target(&session));
        let mut theirs = vec![0xC5; 256];
        theirs[255] = 1;
        let file = File::of(&disk);
        let genuine = file.with(&ours);
        let forged = replaced(&genuine, &ours, &theirs);

        file.put(&forged);
        std::thread::sleep(std::time::Duration::from_millis(60));
        assert_eq!(modulus(&session), ours, "what was verified is still what is used");
        let wrapped = session.wrap(&oaep(), public, target).unwrap();
        let template = attrs![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        session.unwrap(&oaep(), private, &wrapped, &template).unwrap();

        file.put_as_new(&forged);
        assert!(named(&session, "kek").is_empty());
        let gone = session.wrap(&oaep(), public, target);
        assert_eq!(gone, Err(CKR_WRAPPING_KEY_HANDLE_INVALID));
        let changed = session.set(public, &attrs![CKA_LABEL => "new"]);
        assert_eq!(changed, Err(CKR_OBJECT_HANDLE_INVALID));
        p.close_all(0).unwrap();
        refused(p);
    });
}

#[test]
fn rows_of_others_and_of_the_past() {
    let disk = Disk::new();
    let (ours, others) = disk.visit(|p| {
        let session = p.token(0).unwrap();
        kek(&session);
        let other = p.token(1).unwrap();
        kek(&other);
        (modulus(&session), modulus(&other))
    });
    let file = File::of(&disk);
    let (genuine, foreign) = (file.with(&ours), file.with(&others));
    assert_ne!(genuine.0, foreign.0);

    // another token's KEK, whole and valid there
    file.put(&Row(genuine.0, genuine.1.clone(), foreign.2.clone()));
    disk.visit(refused);
    // another object of the same token
    file.put(&genuine);
    disk.visit(|p| data(&user(p, 0), "a note to take the place"));
    let note = file.with(b"a note to take the place");
    file.put(&Row(genuine.0, genuine.1.clone(), note.2.clone()));
    disk.visit(refused);
    // its own past
    file.put(&genuine);
    disk.visit(|p| {
        let session = user(p, 0);
        session.set(named(&session, "kek")[0], &attrs![CKA_ID => b"new"]).unwrap();
    });
    let present = file.with(&ours);
    assert_ne!(present, genuine);
    file.put(&genuine);
    disk.visit(refused);
    file.put(&present);
    disk.visit(|p| assert_eq!(named(&user(p, 0), "kek").len(), 1));
}

#[test]
fn rows_that_come_and_go() {
    let disk = Disk::new();
    disk.visit(|p| data(&p.token(0).unwrap(), "a note"));
    let file = File::of(&disk);
    let Row(token, id, body) = file.with(b"a note");
    let insert = "INSERT INTO record (token, id, revision, body) VALUES (?, ?, 1, ?)";
    file.0.execute(insert, params![token, [9u8; 16], body]).unwrap();
    disk.visit(refused);
    file.0.execute("DELETE FROM record WHERE id = ?", params![[9u8; 16]]).unwrap();
    disk.visit(|p| assert_eq!(user(p, 0).find(&[]).unwrap().len(), 1));
    file.0.execute("DELETE FROM record WHERE id = ?", params![id]).unwrap();
    disk.visit(refused);
    // the SO can still begin anew
    disk.visit(|p| {
        p.init_token(0, SO_PIN, "new").unwrap();
        p.open_rw(0).unwrap().login(CKU_SO, SO_PIN).unwrap();
    });
}

/// An old PIN put back into the file opens nothing.
#[test]
fn an_old_pin_does_not_come_back() {
    let disk = Disk::new();
    disk.visit(|p| p.token(0).unwrap());
    let file = File::of(&disk);
    let slot = |id: u8| {
        let sql = "SELECT body FROM record WHERE id = ?";
        let mut place = [0; 16];
        place[15] = id;
        let body = file.0.query_row(sql, params![place], |row| row.get(0)).unwrap();
        Row(1, place.to_vec(), body)
    };
    let old = slot(2);
    disk.visit(|p| user(p, 0).set_pin(PIN, b"another one").unwrap());
    file.put(&old);
    disk.visit(|p| {
        let session = p.open_rw(0).unwrap();
        assert_eq!(session.login(CKU_USER, PIN), Err(CKR_DEVICE_ERROR));
        assert_eq!(session.login(CKU_USER, b"another one"), Err(CKR_PIN_INCORRECT));
    });
}

/// Any byte of a public KEK.
#[test]
fn flipped_bytes() {
    let disk = Disk::new();
    let ours = disk.visit(|p| {
        let session = p.token(0).unwrap();
        kek(&session);
        modulus(&session)
    });
    let file = File::of(&disk);
    let genuine = file.with(&ours);
    let len = genuine.2.len();
    let beginning = [0, 1, 2, 10, 14];
    for at in beginning.into_iter().chain((20..len).step_by(len / 12)).chain([len - 1]) {
        let mut bad = genuine.clone();
        bad.2[at] ^= 1;
        file.put(&bad);
        disk.visit(|p| {
            let session = p.open_rw(0).map(|s| s.login(CKU_USER, PIN));
            match session {
                Ok(login) => assert_eq!(login, Err(CKR_DEVICE_ERROR), "byte {at}"),
                Err(rv) => assert_eq!(rv, CKR_DEVICE_ERROR, "byte {at}"),
            }
        });
    }
    file.put(&genuine);
    disk.visit(|p| assert_eq!(modulus(&user(p, 0)), ours));
    // a record that cannot even be read is no obstacle to a new beginning
    file.put(&Row(genuine.0, genuine.1, b"nonsense".to_vec()));
    disk.visit(|p| {
        let session = p.open_rw(0).unwrap();
        assert_eq!(session.find(&[]).err(), Some(CKR_DEVICE_ERROR));
        assert_eq!(session.login(CKU_USER, PIN), Err(CKR_DEVICE_ERROR));
        assert_eq!(session.login(CKU_SO, SO_PIN), Err(CKR_DEVICE_ERROR));
        session.close().unwrap();
        let session = p.token(0).unwrap();
        assert!(session.find(&[]).unwrap().is_empty());
    });
}
