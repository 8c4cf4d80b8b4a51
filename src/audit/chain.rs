//! The hash of an entry.

use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};

use crate::files::hex;

/// The columns that the hash is over, in this order.
pub const COLUMNS: &str = "entry, unix_ms, who, role, from_address, way, what, before, after, outcome, lost";
/// How many they are.
pub const HASHED: usize = 11;
/// Stands before everything, so that the hash is that of an audit and of nothing else.
const DOMAIN: &[u8] = b"crosscheck audit 1";
/// Of the entry before the first one.
pub const BEGINNING: &str = "";

/// The hash of an entry with these values behind the one whose hash is `before`, as hexadecimal digits. Each value has its
/// type and, where that is not fixed, its length before it, so that no two entries are the same bytes.
pub fn hash<'a>(before: &'a str, values: impl IntoIterator<Item = ValueRef<'a>>) -> String {
    let mut hash = Sha256::new_with_prefix(DOMAIN);
    let mut add = |value: ValueRef| match value {
        ValueRef::Null => hash.update([0]),
        ValueRef::Integer(number) => {
            hash.update([1]);
            hash.update(number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            hash.update([2]);
            hash.update(number.to_bits().to_le_bytes());
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            hash.update([3]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    };
    add(ValueRef::Text(before.as_bytes()));
    values.into_iter().for_each(add);
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[ValueRef<'_>]) -> String {
        hash("", values.iter().copied())
    }

    #[test]
    fn what_moves_from_one_field_to_the_next_changes_the_hash() {
        use ValueRef::{Integer, Null, Text};
        let texts = of(&[Text(b"ab"), Text(b"c")]);
        assert_ne!(texts, of(&[Text(b"a"), Text(b"bc")]));
        assert_ne!(texts, of(&[Text(b"abc"), Text(b"")]));
        assert_ne!(of(&[Null]), of(&[Text(b"")]));
        assert_ne!(of(&[Integer(0x61)]), of(&[Text(b"a\0\0\0\0\0\0\0")]));
        assert_ne!(hash("a", [Text(b"b")]), hash("", [Text(b"a"), Text(b"b")].into_iter().skip(1)));
    }

    // Files that are there stay valid: their hashes are those of these bytes.
    #[test]
    fn the_hash_is_the_one_that_was_published() {
        let mut bytes = b"crosscheck audit 1".to_vec();
        bytes.extend([&[3, 1, 0, 0, 0, 0, 0, 0, 0, b'x'][..], &[1, 7, 0, 0, 0, 0, 0, 0, 0], &[0]].concat());
        let found = hash("x", [ValueRef::Integer(7), ValueRef::Null]);
        assert_eq!(found, hex(&Sha256::digest(bytes)));
    }
}
