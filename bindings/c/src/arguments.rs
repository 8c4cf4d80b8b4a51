//! What a caller passes, checked before it is used.

use crate::failure::Failure;

/// Refuses an address that is null or not one that a `T` may have.
pub fn check_address<T>(pointer: *const T, what: &'static str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::Null { what });
    }
    if !pointer.is_aligned() {
        return Err(Failure::Misaligned { what, alignment: align_of::<T>() });
    }
    Ok(())
}

/// A structure of the interface, whose first field is `struct_size`. A later version appends fields; what a size of an
/// earlier version means is decided there.
///
/// # Safety
/// The type is `repr(C)`, and its first field is a `usize`.
pub unsafe trait Versioned: Copy {}

/// A structure that the caller fills.
///
/// # Safety
/// Any bytes are a value of the type.
pub unsafe trait Plain: Versioned {}

/// Refuses a structure at an address that it cannot have, or whose `struct_size` is not that of this version.
///
/// # Safety
/// `pointer` is null, not aligned, or the address of a `usize` that may be read.
pub unsafe fn check_struct<T: Versioned>(pointer: *const T, what: &'static str) -> Result<(), Failure> {
    check_address(pointer, what)?;
    // SAFETY: the first field is a `usize`, which may be read by the caller's promise.
    let found = unsafe { pointer.cast::<usize>().read() };
    let expected = size_of::<T>();
    if found == expected { Ok(()) } else { Err(Failure::StructSize { what, found, expected }) }
}

/// A copy of the caller's structure.
///
/// # Safety
/// As [`check_struct`]; and where `struct_size` is the size of a `T`, all of it may be read.
pub unsafe fn read_struct<T: Plain>(pointer: *const T, what: &'static str) -> Result<T, Failure> {
    // SAFETY: the caller promises what both need; the size was checked before all of it is read.
    unsafe {
        check_struct(pointer, what)?;
        Ok(pointer.read())
    }
}
