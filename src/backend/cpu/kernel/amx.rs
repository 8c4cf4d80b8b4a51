//! AMX: a tile of 32 x 32, with four sums of 16 x 16 and two operands a side in the eight tile registers. A cell is a
//! pair of bf16, summed in f32, or four integers, summed in i32.
//!
//! The intrinsics are not stable, so the instructions are written as assembly. Linux gives the tile registers only to a
//! process that asks for them.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

use super::avx512;
use super::tile::Tile;

/// Rows of a sum, and cells of depth that one instruction multiplies.
const SIDE: usize = 16;
const CELL_BYTES: usize = 4;

/// Bits of edx in leaf 7 of CPUID.
const BF16: u32 = 1 << 22;
const TILES: u32 = 1 << 24;
const INT8: u32 = 1 << 25;

pub fn has_bf16() -> bool {
    avx512::has_bf16() && processor_has(BF16) && may_use_tiles()
}

pub fn has_int8() -> bool {
    avx512::has_vnni() && processor_has(INT8) && may_use_tiles()
}

fn processor_has(feature: u32) -> bool {
    __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & feature != 0
}

fn may_use_tiles() -> bool {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    *PERMITTED.get_or_init(|| processor_has(TILES) && ask_for_tiles())
}

/// False if the Linux kernel does not know tiles or does not permit them.
#[cfg(target_os = "linux")]
fn ask_for_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers, and changes only which registers this process may use.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_tiles() -> bool {
    false
}

/// # Safety
/// See [`super::Kernel::run`]; a cell is a pair of bf16.
pub unsafe fn run_bf16(tile: &Tile) {
    // SAFETY: the caller's promises, with tiles permitted by `has_bf16`.
    unsafe { run(tile, multiply_bf16, avx512::run_bf16) }
}

/// # Safety
/// See [`super::Kernel::run`]; a cell is four integers, those of `a` unsigned.
pub unsafe fn run_int8(tile: &Tile) {
    // SAFETY: the caller's promises, with tiles permitted by `has_int8`.
    unsafe { run(tile, multiply_int8, avx512::run_vnni) }
}

/// Computes a tile by `multiply`, and the end of its depth, which fills no whole instruction, by `rest`.
unsafe fn run(tile: &Tile, multiply: Multiply, rest: unsafe fn(&Tile)) {
    let whole = tile.depth / SIDE * SIDE;
    // SAFETY: the parts lie within the tile that the caller promises.
    unsafe {
        if whole > 0 {
            whole_depth(&Tile { depth: whole, ..*tile }, multiply);
        }
        if whole < tile.depth {
            let (a, b) = (tile.a.add(whole), tile.b.add(whole * 2 * SIDE));
            rest(&Tile { depth: tile.depth - whole, a, b, add: tile.add || whole > 0, ..*tile });
        }
    }
}

/// Shapes of the eight registers as LDTILECFG reads them: 0 to 3 are sums, 4 and 5 rows of a, 6 and 7 columns of b.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    fn new(upper: usize, lower: usize) -> Self {
        let (upper, lower, side) = (upper as u8, lower as u8, SIDE as u8);
        let mut shapes = Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        shapes.row_bytes[..8].fill((SIDE * CELL_BYTES) as u16);
        shapes.rows[..8].copy_from_slice(&[upper, upper, lower, lower, upper, lower, side, side]);
        shapes
    }
}

/// Computes a tile whose depth fills whole instructions, with any number of rows.
unsafe fn whole_depth(tile: &Tile, multiply: Multiply) {
    // SAFETY: every block lies within the tile that the caller promises. The tile registers are unused before, and are
    // released after.
    unsafe {
        let mut shape = 0;
        for row in (0..tile.rows).step_by(2 * SIDE) {
            let rows = (tile.rows - row).min(2 * SIDE);
            if rows != shape {
                let upper = rows.min(SIDE);
                // Without rows in the lower half, those of the upper half are computed twice and stored once.
                let lower = if rows > SIDE { rows - SIDE } else { upper };
                let shapes = Shapes::new(upper, lower);
                asm!("ldtilecfg [{}]", in(reg) &shapes, options(nostack, readonly));
                shape = rows;
            }
            let (a, c) = (tile.a.add(row * tile.a_stride), tile.c.add(row * tile.c_stride));
            block(&Tile { rows, a, c, ..*tile }, multiply);
        }
        asm!("tilerelease", options(nostack, nomem));
    }
}

/// Adds the products of a block's depth to the sums in registers 0 to 3.
type Multiply = unsafe fn(&Operand, &Operand, *const f32, usize);

/// 16 rows, at a stride in bytes.
struct Operand {
    rows: *const f32,
    stride: usize,
}

/// The loop over the depth, `steps` instructions deep. Loads and products alternate, so that both units have work.
macro_rules! multiply {
    ($name:ident, $instruction:literal) => {
        unsafe fn $name(upper: &Operand, lower: &Operand, b: *const f32, steps: usize) {
            // SAFETY: the caller promises the rows and the depth of `b`, and registers shaped for them.
            unsafe {
                asm!(
                    "2:",
                    "tileloadd tmm6, [{b} + {b_stride}]",
                    "tileloadd tmm4, [{a} + {a_stride}]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    "tileloadd tmm7, [{b} + {b_stride} + 64]",
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    "tileloadd tmm5, [{a_lower} + {a_stride}]",
                    concat!($instruction, " tmm2, tmm5, tmm6"),
                    concat!($instruction, " tmm3, tmm5, tmm7"),
                    "add {a}, 64",
                    "add {a_lower}, 64",
                    "add {b}, 2048",
                    "dec {steps}",
                    "jnz 2b",
                    a = inout(reg) upper.rows => _, a_lower = inout(reg) lower.rows => _, b = inout(reg) b => _,
                    steps = inout(reg) steps => _,
                    a_stride = in(reg) upper.stride, b_stride = in(reg) 2 * SIDE * CELL_BYTES,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly)
                );
            }
        }
    };
}
multiply!(multiply_bf16, "tdpbf16ps");
multiply!(multiply_int8, "tdpbusd");

/// Computes one block of at most 32 rows, for which the registers are shaped.
unsafe fn block(tile: &Tile, multiply: Multiply) {
    let Tile { rows, depth, a, a_stride, b, c, c_stride, add } = *tile;
    let has_lower = rows > SIDE;
    // SAFETY: the caller promises the rows at `a` and `c`, the depth of `b`, and register shapes that stay within them.
    unsafe {
        let lower = |start: *const f32, stride| if has_lower { start.add(SIDE * stride) } else { start };
        let (a_lower, c_lower) = (lower(a, a_stride), lower(c, c_stride));
        if add {
            asm!(
                "tileloadd tmm0, [{c} + {stride}]",
                "tileloadd tmm1, [{c} + {stride} + 64]",
                "tileloadd tmm2, [{c_lower} + {stride}]",
                "tileloadd tmm3, [{c_lower} + {stride} + 64]",
                c = in(reg) c, c_lower = in(reg) c_lower, stride = in(reg) c_stride * CELL_BYTES,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                options(nostack, readonly)
            );
        } else {
            asm!(
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                options(nostack, nomem)
            );
        }
        let stride = a_stride * CELL_BYTES;
        multiply(&Operand { rows: a, stride }, &Operand { rows: a_lower, stride }, b, depth / SIDE);
        let stride = c_stride * CELL_BYTES;
        asm!(
            "tilestored [{c} + {stride}], tmm0",
            "tilestored [{c} + {stride} + 64], tmm1",
            c = in(reg) c, stride = in(reg) stride, options(nostack)
        );
        if has_lower {
            asm!(
                "tilestored [{c} + {stride}], tmm2",
                "tilestored [{c} + {stride} + 64], tmm3",
                c = in(reg) c_lower, stride = in(reg) stride, options(nostack)
            );
        }
    }
}
