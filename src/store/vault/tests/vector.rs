//! The records printed in the format's description, which another program made.
use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/storage-format.md");

/// 16 bytes that count from `first`.
fn counting(first: u8) -> [u8; 16] {
    std::array::from_fn(|n| first + u8::try_from(n).unwrap())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().map(|b| u8::try_from(char::from(b).to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Record ids and bodies.
fn records() -> Vec<(RecordId, Vec<u8>)> {
    let (_, block) = DOCUMENT.split_once("```text\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut records: Vec<(RecordId, Vec<u8>)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("  ") {
            Some(body) => records.last_mut().unwrap().1.extend(unhex(body)),
            None => records.push((RecordId(unhex(line).try_into().unwrap()), Vec::new())),
        }
    }
    records
}

#[test]
fn the_documented_token_opens() {
    on_each(|store| {
        let token = TokenId(counting(0));
        let records = records();
        let change = |(id, body): &(RecordId, Vec<u8>)| Change {
            id: *id,
            from: Revision(0),
            body: Some(body.clone()),
        };
        store.write(token, &records.iter().map(change).collect::<Vec<_>>()).unwrap().unwrap();
        let vault = Vault::of(store, token);
        let description = vault.description().unwrap();
        assert_eq!((description.label, &description.serial), (LABEL, b"0123456789abcdef"));
        let unlocked = vault.unlock(Who::So, SO).unwrap();
        let changes = vault.changes(Revision(0)).unwrap();
        assert_eq!((changes.epoch, changes.entries.len()), (counting(0x10), 2));
        let content = |id| {
            let entry = changes.entries.iter().find(|entry| entry.id == id).unwrap();
            entry.content.as_ref().unwrap()
        };
        let (private, public) = (RecordId(counting(0x40)), RecordId(counting(0xa0)));
        assert_eq!(*unlocked.attributes(private, content(private)).unwrap(), *b"attributes");
        let material = content(private).material.as_ref().unwrap();
        assert_eq!(*unlocked.material(private, material).unwrap(), *b"material");
        assert_eq!(*unlocked.attributes(public, content(public)).unwrap(), *b"public");
    });
}
