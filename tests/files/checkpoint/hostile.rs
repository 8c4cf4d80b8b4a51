//! Hostile and broken files execute nothing, exhaust nothing and cause no panic.

use crosscheck::model::checkpoint::Checkpoint;

use super::writer::{call, dict, golden, int, open, pickle, refusal, tensor, text, tuple, zip_file};
use crate::allocations::watched;

/// Opens and reads all there is; whether it works is the file's affair, that it asks for little memory is ours.
fn survives(bytes: &[u8], bytes_max: usize) {
    let read_all = |checkpoint: Checkpoint| {
        for name in checkpoint.tensors().keys() {
            let _ = checkpoint.read(name);
        }
    };
    let (_, largest) = watched(|| open(bytes).map(read_all));
    assert!(largest <= bytes_max, "{largest} bytes at once");
}

const FIXTURES: [&str; 3] = ["zip.pth", "zip64.pth", "legacy.pth"];

fn safetensors_file() -> Vec<u8> {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 10]].concat()
}

fn fixtures() -> Vec<Vec<u8>> {
    let files = FIXTURES.map(|name| std::fs::read(golden(name)).unwrap());
    files.into_iter().chain([safetensors_file()]).collect()
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for file in fixtures() {
        assert!(open(&file).is_ok());
        for length in 0..file.len() {
            assert!(open(&file[..length]).is_err(), "{length} of {}", file.len());
        }
    }
}

#[test]
fn flipped_bytes_neither_panic_nor_exhaust() {
    let mut random = fastrand::Rng::with_seed(7);
    for file in fixtures() {
        for round in 0..3000 {
            let mut bent = file.clone();
            for _ in 0..=round % 4 {
                bent[random.usize(..file.len())] = random.u8(..);
            }
            survives(&bent, 1 << 20);
        }
    }
}

#[test]
fn random_opcodes_neither_panic_nor_exhaust() {
    let mut random = fastrand::Rng::with_seed(7);
    const OPCODES: &[u8] = b"(.012hjqr\x94N\x88\x89JKMG\x8a\x8bXTU\x8c\x8dBC\x8e\x96])}\x8ftld\x91io\x85\x86\x87aesu\x90c\x93Rb\x81\x92Q\x95";
    for _ in 0..3000 {
        let body: Vec<u8> = (0..random.usize(1..200))
            .map(|_| if random.u8(..4) == 0 { random.u8(..8) } else { OPCODES[random.usize(..OPCODES.len())] })
            .collect();
        survives(&zip_file(&pickle(&body), &[]), 1 << 20);
    }
}

#[test]
fn a_call_is_never_made_and_weights_beside_it_are_read() {
    let mark = std::env::temp_dir().join(format!("crosscheck-{}", std::process::id()));
    let harm = |module: &str| call(module, "system", &[text(&format!("touch {}", mark.display()))]);
    let w = tensor("FloatStorage", "0", 1, 0, &[1], &[1]);
    let items = [(text("a"), harm("os")), (text("b"), harm("posix")), (text("w"), w), (text("c"), harm("nt"))];
    let checkpoint = open(&zip_file(&pickle(&dict(items)), &[("0", &1.5f32.to_le_bytes())])).unwrap();
    assert_eq!(checkpoint.read("w").unwrap(), [1.5]);
    assert_eq!(checkpoint.tensors().len(), 1);
    assert!(!mark.exists());
    assert!(refusal(&zip_file(&pickle(&harm("os")), &[])).contains("expected a dict of tensors"));
    // Protocol 0, as textbook attacks have it.
    assert!(refusal(&zip_file(b"cos\nsystem\n(S'ls'\ntR.", &[])).contains("protocol 2 to 5"));
}

#[test]
fn depth_is_no_danger() {
    let depth = 1_000_000;
    let lists = [vec![b']'; depth], vec![b'a'; depth - 1]].concat();
    let tuples = [&b")"[..], &vec![0x85; depth]].concat();
    let marks = vec![b'('; 2 * depth];
    let calls = [&b"cos\nsystem\n"[..], &b")R".repeat(depth)].concat();
    for (body, words) in
        [(lists, "dict of tensors"), (tuples, "dict of tensors"), (marks, "open marks"), (calls, "dict of tensors")]
    {
        let message = refusal(&zip_file(&pickle(&body), &[]));
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn values_without_end_are_refused() {
    let doubled = [&b"]q\x00"[..], &b"h\x00h\x00\x86q\x00".repeat(2_000_000)].concat();
    // One list of pairs made into ever more dicts.
    let pairs = [&b"]("[..], &b"NN\x86".repeat(100_000), b"eq\x000"].concat();
    let dicts = [&pairs[..], &b"ccollections\nOrderedDict\nh\x00\x85R".repeat(1000)].concat();
    let stack = b"N2".iter().copied().chain(std::iter::repeat_n(b'2', 2_000_000)).collect();
    for (body, words) in [(doubled, "more than"), (dicts, "more than"), (stack, "on the stack")] {
        let (message, largest) = watched(|| refusal(&zip_file(&pickle(&body), &[])));
        assert!(message.contains(words), "{message}");
        assert!(largest <= 1 << 28, "{largest}");
    }
}

#[test]
fn counts_beyond_the_input_are_refused() {
    let bodies: [&[u8]; 8] = [
        b"X\xff\xff\xff\xff",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x8a\xff",
        b"\x8b\xff\xff\xff\xff",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xff",
        b"Nr\xff\xff\xff\xff",
        b"j\xff\xff\xff\xff",
    ];
    for body in bodies {
        let (message, largest) = watched(|| refusal(&zip_file(&pickle(body), &[])));
        assert!(message.contains("refused at byte"), "{message}");
        assert!(largest <= 1 << 20, "{largest}");
    }
}

#[test]
fn cycles_come_to_an_end() {
    // A dict that is its own model, a list within itself.
    let own = [&b"}q\x00"[..], &text("model"), b"h\x00s"].concat();
    assert!(refusal(&zip_file(&pickle(&own), &[])).contains("found one of: model"));
    let list = [&b"}"[..], &text("w"), b"]q\x00h\x00as"].concat();
    assert!(refusal(&zip_file(&pickle(&list), &[])).contains("found one of: w"));
    // A parameter of a parameter of a parameter ...
    let mut nested = tensor("FloatStorage", "0", 1, 0, &[1], &[1]);
    for _ in 0..1000 {
        nested = call("torch._utils", "_rebuild_parameter", &[nested]);
    }
    assert!(refusal(&zip_file(&pickle(&dict([(text("w"), nested)])), &[("0", &[0; 4])])).contains("found one of"));
}

#[test]
fn tensors_that_leave_their_storage_are_refused() {
    let file = |count, offset, shape: &[i64], strides: &[i64]| {
        let w = tensor("FloatStorage", "0", count, offset, shape, strides);
        zip_file(&pickle(&dict([(text("w"), w)])), &[("0", &[0; 16])])
    };
    assert!(open(&file(4, 0, &[2, 2], &[2, 1])).is_ok());
    for (count, offset, shape, strides) in [
        (4, 1, &[2, 2][..], &[2, 1][..]),
        (4, 0, &[5], &[1]),
        (4, 0, &[2, 2], &[4, 1]),
        (4, 5, &[0], &[1]),
        (4, -1, &[1], &[1]),
        (4, 0, &[-1], &[1]),
        (4, 0, &[2], &[1, 1]),
        (4, 0, &[i64::MAX, i64::MAX], &[i64::MAX, i64::MAX]),
        (4, 0, &[1; 9], &[1; 9]),
        (5, 0, &[1], &[1]),
        (i64::MAX, 0, &[i64::MAX], &[1]),
        (-4, 0, &[1], &[1]),
    ] {
        let message = refusal(&file(count, offset, shape, strides));
        assert!(message.contains("tensor w") || message.contains("storage"), "{message}");
    }
    // One number as a million million is within its storage, but no weight.
    let wide = open(&file(4, 0, &[1 << 20, 1 << 20], &[0, 0])).unwrap();
    assert!(wide.read("w").unwrap_err().to_string().contains("repeated"));
    let missing = dict([(text("w"), tensor("FloatStorage", "9", 1, 0, &[1], &[1]))]);
    assert!(refusal(&zip_file(&pickle(&missing), &[("0", &[0; 4])])).contains("found nothing"));
}

#[test]
fn zips_that_lie_are_refused() {
    let good =
        zip_file(&pickle(&dict([(text("w"), tensor("FloatStorage", "0", 1, 0, &[1], &[1]))])), &[("0", &[0; 4])]);
    assert!(open(&good).is_ok());
    let directory = good.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let end = good.len() - 22;
    let patched = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        refusal(&file)
    };
    assert!(patched(directory + 10, &[8]).contains("compressed"));
    assert!(patched(directory + 8, &[1]).contains("encrypted"));
    assert!(patched(directory + 20, &[0xFF; 3]).contains("compressed"));
    assert!(patched(directory + 42, &[7]).contains("local header"));
    assert!(patched(end + 10, &[0xFE, 0xFF]).contains("cut short"));
    assert!(patched(end + 12, &[0xFF, 0xFF, 0xFF, 0x7F]).contains("limits"));
    assert!(patched(end + 16, &[0xFF; 4]).contains("ZIP64"));
    // The last entry under the name of the one before it.
    let mut twice = zip_file(&pickle(&int(1)), &[("0", &[]), ("1", &[])]);
    let last = twice.windows(14).rposition(|w| w == b"archive/data/1").unwrap();
    twice[last + 13] = b'0';
    assert!(refusal(&twice).contains("two entries"));
}

#[test]
fn keys_of_any_length_cost_no_time() {
    // 300 000 entries under one key of 10 MB: copying it each time would move 3 TB.
    let key = [text(&"k".repeat(10 << 20)), b"q\x00".to_vec()].concat();
    let storage =
        [tuple(&[text("storage"), b"ctorch\nFloatStorage\n".to_vec(), key, text("cpu"), int(1)]), b"q\x01Q0".to_vec()];
    let body = [&storage.concat()[..], b"}(", &b"h\x00h\x01Q".repeat(300_000), b"u"].concat();
    assert!(refusal(&zip_file(&pickle(&body), &[])).contains("found one of"));
}
