//! The one map of registers and coils. What a client reads is computed from it, and the tables of `docs/reference/plc.md`
//! are written from it.

use super::last_part::LastPart;
use super::numbers::{CommandResult, Reason};

/// The number of this map, which changes when an address gets another meaning.
pub const VERSION: u16 = 1;
/// Characters of an identity.
pub const IDENTITY_BYTES: usize = 16;
/// Registers of the map: every address below this one may be read.
pub const WORDS: u16 = 49;

/// What a client may write.
pub const RECIPE: u16 = 40;
pub const IDENTITY: u16 = 41;
pub const ACKNOWLEDGE: u16 = 0;
pub const HOLD: u16 = 1;
pub const APPLY: u16 = 2;

/// Everything that registers and coils show, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    pub heartbeat: u16,
    pub status: u16,
    pub fault: u16,
    pub parts: u32,
    pub passed: u32,
    pub reviewed: u32,
    pub rejected: u32,
    pub unscored: u32,
    pub late: u32,
    pub last: LastPart,
    pub recipe: u16,
    pub requested: u16,
    pub result: CommandResult,
    pub reason: Reason,
    /// What was written last.
    pub asked_recipe: u16,
    pub identity: [u8; IDENTITY_BYTES],
    /// Whether the output is held as somebody asked for it.
    pub held: bool,
}

/// How a register gets its words.
pub enum Value {
    Word(fn(&Snapshot) -> u16),
    /// Two words, the high one first.
    Long(fn(&Snapshot) -> u32),
    /// Two words, the high one first.
    Float(fn(&Snapshot) -> f32),
    Text(fn(&Snapshot) -> [u8; IDENTITY_BYTES]),
    /// Words that read 0.
    Reserved(u16),
}

impl Value {
    pub const fn words(&self) -> u16 {
        match self {
            Self::Word(_) => 1,
            Self::Long(_) | Self::Float(_) => 2,
            Self::Text(_) => IDENTITY_BYTES as u16 / 2,
            Self::Reserved(words) => *words,
        }
    }
}

/// One row of the map.
pub struct Register {
    pub address: u16,
    pub value: Value,
    pub is_written: bool,
    pub meaning: &'static str,
}

const fn read(address: u16, value: Value, meaning: &'static str) -> Register {
    Register { address, value, is_written: false, meaning }
}

const fn written(address: u16, value: Value, meaning: &'static str) -> Register {
    Register { address, value, is_written: true, meaning }
}

/// The registers in the order of their addresses, without a gap.
pub const REGISTERS: [Register; 26] = [
    read(0, Value::Word(|_| VERSION), "Number of this map"),
    read(1, Value::Word(|now| now.heartbeat), "Heartbeat: counts up each second, from 65535 to 0"),
    read(2, Value::Word(|now| now.status), "Status bits, see below"),
    read(3, Value::Word(|now| now.fault), "Number of the first active fault, see below; 0 none"),
    read(4, Value::Long(|now| now.parts), "Parts since the start of the station"),
    read(6, Value::Long(|now| now.passed), "Verdicts: pass"),
    read(8, Value::Long(|now| now.reviewed), "Verdicts: review"),
    read(10, Value::Long(|now| now.rejected), "Verdicts: reject"),
    read(12, Value::Long(|now| now.unscored), "Parts that were rejected without being inspected"),
    read(14, Value::Long(|now| now.late), "Verdicts that came after the decision deadline and had no effect"),
    read(16, Value::Long(|now| now.last.number), "Number of the last judged part"),
    read(18, Value::Word(|now| now.last.verdict.number().into()), "Its verdict: 0 pass, 1 review, 2 reject"),
    read(19, Value::Float(|now| now.last.score), "Its score; NaN (7FC0 0000) for a part that has none"),
    read(21, Value::Float(|now| now.last.threshold), "The threshold by which it was judged"),
    read(23, Value::Word(|now| now.last.defects), "Number of its defects"),
    read(
        24,
        Value::Word(|now| now.last.at[0]),
        "Its worst defect: x of the centre in pixels of the photograph, to the right",
    ),
    read(25, Value::Word(|now| now.last.at[1]), "Its worst defect: y of the centre in pixels of the photograph, down"),
    read(26, Value::Word(|now| now.last.area), "Its worst defect: area in tenths of mm2, at most 65535; 0 unknown"),
    read(27, Value::Word(|now| now.last.kind), "Its worst defect: kind, see below"),
    read(28, Value::Word(|now| now.recipe), "Recipe in force; 0 where the station has none"),
    read(29, Value::Word(|now| now.requested), "Recipe that a PLC has asked for last; 0 none"),
    read(30, Value::Word(|now| now.result as u16), "Result of the last command, see below"),
    read(31, Value::Word(|now| now.reason as u16), "Why the last command was refused, see below; 0 not refused"),
    read(32, Value::Reserved(8), "Reserved: reads 0"),
    written(RECIPE, Value::Word(|now| now.asked_recipe), "Number of the recipe that coil 2 applies"),
    written(IDENTITY, Value::Text(|now| now.identity), IDENTITY_MEANING),
];

const IDENTITY_MEANING: &str = "Identity of the next part: 16 ASCII characters, two in a word, the first in the high byte, \
                                filled up with zeros. All 8 words in one request; all zero takes it back";

/// A coil of the map.
pub struct Coil {
    pub address: u16,
    pub state: fn(&Snapshot) -> bool,
    pub meaning: &'static str,
}

/// The coils in the order of their addresses.
pub const COILS: [Coil; 3] = [
    Coil {
        address: ACKNOWLEDGE,
        state: |_| false,
        meaning: "1 acknowledges the faults that wait for a person. Reads 0",
    },
    Coil {
        address: HOLD,
        state: |now| now.held,
        meaning: "1 holds the output at reject, 0 releases it. Reads 1 until the output is released, by whomever it is held",
    },
    Coil { address: APPLY, state: |_| false, meaning: "1 applies the recipe in register 40. Reads 0" },
];

/// All registers at one moment.
pub fn words(now: &Snapshot) -> [u16; WORDS as usize] {
    let mut words = [0; WORDS as usize];
    for Register { address, value, .. } in &REGISTERS {
        let at = &mut words[usize::from(*address)..][..usize::from(value.words())];
        let mut put_long = |long: u32| at.copy_from_slice(&[(long >> 16) as u16, long as u16]);
        match value {
            Value::Word(word) => at[0] = word(now),
            Value::Long(long) => put_long(long(now)),
            Value::Float(float) => put_long(float(now).to_bits()),
            Value::Text(text) => at.copy_from_slice(&words_of(text(now))),
            Value::Reserved(_) => {}
        }
    }
    words
}

/// Two characters in a word, the first in the high byte.
pub fn words_of(text: [u8; IDENTITY_BYTES]) -> [u16; IDENTITY_BYTES / 2] {
    std::array::from_fn(|i| u16::from_be_bytes([text[2 * i], text[2 * i + 1]]))
}

/// The characters of words.
pub fn text_of(words: [u16; IDENTITY_BYTES / 2]) -> [u8; IDENTITY_BYTES] {
    std::array::from_fn(|i| words[i / 2].to_be_bytes()[i % 2])
}

#[cfg(test)]
mod tests {
    use super::super::numbers::{Status, fault, kind};
    use super::*;
    use crate::defects::Kind;
    use crate::reject::fault::Fault;
    use crate::score::Verdict;

    const REFERENCE: &str = "docs/reference/plc.md";
    const BEGIN: &str = "<!-- begin of the tables -->\n";
    const END: &str = "<!-- end of the tables -->\n";

    #[test]
    fn every_address_has_one_meaning() {
        let mut next = 0;
        for register in &REGISTERS {
            assert_eq!(register.address, next);
            next += register.value.words();
        }
        assert_eq!(next, WORDS);
        assert!(COILS.iter().enumerate().all(|(i, coil)| usize::from(coil.address) == i));
    }

    // The addresses of the first version, as controls are programmed.
    #[test]
    fn each_value_is_at_its_address() {
        let now = Snapshot {
            heartbeat: 1_001,
            status: 0b10_1010,
            fault: 3,
            parts: 0x0004_0005,
            passed: 0x0006_0007,
            reviewed: 0x0008_0009,
            rejected: 0x000a_000b,
            unscored: 0x000c_000d,
            late: 0x000e_000f,
            last: LastPart {
                number: 0x0010_0011,
                verdict: Verdict::Review,
                score: 1.5,
                threshold: -2.0,
                defects: 23,
                at: [24, 25],
                area: 26,
                kind: 5,
            },
            recipe: 28,
            requested: 29,
            result: CommandResult::Busy,
            reason: Reason::Stopping,
            asked_recipe: 40,
            identity: *b"SN-0042\0\0\0\0\0\0\0\0\0",
            held: true,
        };
        let mut expected = [0; WORDS as usize];
        expected[..19].copy_from_slice(&[1, 1_001, 42, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 1]);
        expected[19..23].copy_from_slice(&[0x3fc0, 0, 0xc000, 0]);
        expected[23..32].copy_from_slice(&[23, 24, 25, 26, 5, 28, 29, 3, 7]);
        expected[40] = 40;
        expected[41..45].copy_from_slice(&[0x534e, 0x2d30, 0x3034, 0x3200]);
        assert_eq!(words(&now), expected);
        assert_eq!(COILS.map(|coil| (coil.state)(&now)), [false, true, false]);
        assert_eq!(text_of(words_of(now.identity)), now.identity);
    }

    #[test]
    fn a_part_without_a_score_reads_as_nan() {
        assert_eq!(words(&Snapshot::default())[18..21], [2, 0x7fc0, 0]);
    }

    /// The map as tables in Markdown.
    fn reference() -> String {
        let mut text = String::from(
            "## Holding registers\n\n| address | in 40001 style | words | type | access | meaning |\n|---|---|---|---|---|---|\n",
        );
        for Register { address, value, is_written, meaning } in &REGISTERS {
            let of = match value {
                Value::Word(_) => "u16",
                Value::Long(_) => "u32",
                Value::Float(_) => "f32",
                Value::Text(_) => "text",
                Value::Reserved(_) => "-",
            };
            let access = if *is_written { "read, write" } else { "read" };
            let (style, words) = (40_001 + u32::from(*address), value.words());
            text += &format!("| {address} | {style} | {words} | {of} | {access} | {meaning} |\n");
        }
        text += "\n## Coils\n\n| address | in 00001 style | access | meaning |\n|---|---|---|---|\n";
        for Coil { address, meaning, .. } in &COILS {
            text += &format!("| {address} | {:05} | read, write | {meaning} |\n", address + 1);
        }
        let statuses = Status::ALL.iter().enumerate().map(|(bit, status)| (bit, status.meaning()));
        text += &table("Status bits (register 2)", "bit", "while it is 1", statuses);
        let faults = Fault::ALL.iter().map(|active| (fault(*active).into(), active.name()));
        text += &table("Faults (register 3)", "number", "fault", std::iter::once((0, "none")).chain(faults));
        let mut kinds = Kind::ALL.map(|found| (usize::from(kind(found)), found.name()));
        kinds.sort();
        text += &table("Kinds of defect (register 27)", "number", "kind", kinds.into_iter());
        let results = CommandResult::ALL.iter().map(|result| (*result as usize, result.meaning()));
        text += &table("Results (register 30)", "number", "meaning", results);
        let reasons = Reason::ALL.iter().map(|reason| (*reason as usize, reason.meaning()));
        text + &table("Reasons (register 31)", "number", "meaning", reasons)
    }

    fn table<'a>(title: &str, first: &str, second: &str, rows: impl Iterator<Item = (usize, &'a str)>) -> String {
        let rows: String = rows.map(|(number, meaning)| format!("| {number} | {meaning} |\n")).collect();
        format!("\n## {title}\n\n| {first} | {second} |\n|---|---|\n{rows}")
    }

    #[test]
    fn the_reference_lists_the_map() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (tables, after) = rest.split_once(END).unwrap();
        let expected = reference();
        if std::env::var_os("CROSSCHECK_WRITE_REFERENCE").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        } else {
            assert_eq!(tables, expected, "{REFERENCE} is out of date; it tells how to write it again");
        }
    }
}
