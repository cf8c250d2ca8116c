//! PINs and their tries.
use super::*;

const WRONG: &[u8] = b"wrong";

fn tries(vault: &Vault) -> (u32, u32) {
    let Tries { so, user } = vault.description().unwrap().tries;
    (so, user)
}

#[test]
fn a_new_token_has_no_user_pin() {
    let vault = Vault::create(memory(), 0, LABEL, SO).unwrap().unwrap();
    let description = vault.description().unwrap();
    assert_eq!((description.label, description.user_pin_set), (LABEL, false));
    assert_eq!(vault.unlock(Who::User, USER).unwrap_err(), Error::UserPinNotInitialized);
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::UserPinNotInitialized));
    vault.unlock(Who::So, SO).unwrap();
}

#[test]
fn lengths_are_checked_when_set() {
    for pin in [&b""[..], b"123", &[b'1'; 256]] {
        assert_eq!(Vault::create(memory(), 0, LABEL, pin).unwrap_err(), Error::PinLenRange);
    }
    let (vault, _) = token(memory());
    let so = vault.unlock(Who::So, SO).unwrap();
    assert_eq!(vault.set_user_pin(&so, b"123"), Err(Error::PinLenRange));
    assert_eq!(vault.change_pin(Who::User, USER, &[b'1'; 256]), Err(Error::PinLenRange));
    vault.change_pin(Who::User, USER, &[0xff; 255]).unwrap();
    vault.unlock(Who::User, &[0xff; 255]).unwrap();
    assert_eq!(vault.unlock(Who::User, b"").unwrap_err(), Error::PinIncorrect);
}

#[test]
fn wrong_pins_are_counted_until_a_right_one() {
    on_each(|store| {
        let (vault, _) = token(store);
        assert_eq!(vault.unlock(Who::User, WRONG).unwrap_err(), Error::PinIncorrect);
        assert_eq!(vault.check_pin(Who::User, WRONG), Err(Error::PinIncorrect));
        assert_eq!(vault.change_pin(Who::User, WRONG, USER), Err(Error::PinIncorrect));
        assert_eq!(vault.unlock(Who::So, USER).unwrap_err(), Error::PinIncorrect);
        assert_eq!(tries(&vault), (1, 3));
        vault.check_pin(Who::User, USER).unwrap();
        assert_eq!(tries(&vault), (1, 0));
        vault.unlock(Who::So, SO).unwrap();
        assert_eq!(tries(&vault), (0, 0));
    });
}

#[test]
fn the_tenth_wrong_pin_locks_and_the_so_unlocks() {
    let (vault, _) = token(memory());
    for _ in 0..Tries::LIMIT {
        assert_eq!(vault.check_pin(Who::User, WRONG), Err(Error::PinIncorrect));
    }
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::PinLocked));
    assert_eq!(vault.change_pin(Who::User, USER, USER), Err(Error::PinLocked));
    assert_eq!(tries(&vault), (0, Tries::LIMIT));
    let so = vault.unlock(Who::So, SO).unwrap();
    vault.set_user_pin(&so, b"4321").unwrap();
    assert_eq!(tries(&vault), (0, 0));
    assert_eq!(vault.check_pin(Who::User, USER), Err(Error::PinIncorrect));
    vault.unlock(Who::User, b"4321").unwrap();
}

#[test]
fn a_locked_so_pin_locks_the_token_for_good() {
    let (vault, _) = token(memory());
    for _ in 0..Tries::LIMIT {
        assert_eq!(vault.reinitialize(LABEL, WRONG), Err(Error::PinIncorrect));
    }
    assert_eq!(vault.reinitialize(LABEL, SO), Err(Error::PinLocked));
    vault.unlock(Who::User, USER).unwrap();
}

#[test]
fn nobody_gets_more_tries_by_trying_at_once() {
    on_each(|store| {
        let (vault, _) = &token(store);
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16u8)
                .map(|n| scope.spawn(move || vault.check_pin(Who::User, &[n; 4])))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap_err()).collect()
        });
        let incorrect = results.iter().filter(|error| **error == Error::PinIncorrect).count();
        assert_eq!(incorrect, 10);
        assert!(results.iter().all(|e| [Error::PinIncorrect, Error::PinLocked].contains(e)));
    });
}

#[test]
fn right_pins_at_once_do_not_lock() {
    on_each(|store| {
        let (vault, _) = token(store);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| vault.check_pin(Who::User, USER).unwrap());
            }
        });
        assert_eq!(tries(&vault), (0, 0));
    });
}

#[test]
fn a_changed_pin_opens_the_same_token() {
    on_each(|store| {
        let (vault, unlocked) = token(store);
        let entry = written(&vault, &unlocked, vec![insert(5, true)]).remove(0);
        vault.change_pin(Who::User, USER, b"new user pin").unwrap();
        vault.change_pin(Who::So, SO, b"new so pin").unwrap();
        assert_eq!(vault.unlock(Who::User, USER).unwrap_err(), Error::PinIncorrect);
        assert_eq!(vault.unlock(Who::So, SO).unwrap_err(), Error::PinIncorrect);
        vault.unlock(Who::So, b"new so pin").unwrap();
        let again = vault.unlock(Who::User, b"new user pin").unwrap();
        assert_eq!(*again.attributes(id(5), &entry.content.unwrap()).unwrap(), [5, 1, 2, 3]);
        // who was logged in still is
        written(&vault, &unlocked, vec![insert(6, false)]);
    });
}
