//! An image in the caller's memory.

use std::marker::PhantomData;
use std::slice;

use crosscheck::frame::check_size;

use crate::arguments::check_address;
use crate::failure::Failure;

/// An image `[height, width]` of pixels `T` in the caller's memory, whose rows begin `stride` bytes apart.
pub struct Image<'a, T> {
    start: *const T,
    width: usize,
    height: usize,
    stride: usize,
    owner: PhantomData<&'a [T]>,
}

impl<'a, T: Copy> Image<'a, T> {
    /// Refuses what no image can be. A stride of 0 stands for rows without a gap.
    ///
    /// # Safety
    /// If an image can be so: its rows, of `width` pixels each, may be read, hold values of a `T`, and do not change as
    /// long as `'a`.
    pub unsafe fn new(
        what: &'static str,
        start: *const T,
        (width, height): (usize, usize),
        stride: usize,
    ) -> Result<Self, Failure> {
        check_address(start, what)?;
        check_size(width, height)?;
        let (row, alignment) = (width * size_of::<T>(), align_of::<T>());
        let stride = if stride == 0 { row } else { stride };
        if stride < row {
            return Err(Failure::Stride { what, stride, row });
        }
        if !stride.is_multiple_of(alignment) {
            return Err(Failure::MisalignedStride { what, stride, alignment });
        }
        let bytes = stride.checked_mul(height - 1).and_then(|bytes| bytes.checked_add(row));
        let bytes = bytes.filter(|bytes| isize::try_from(*bytes).is_ok());
        if bytes.and_then(|bytes| start.addr().checked_add(bytes)).is_none() {
            return Err(Failure::Range { what, stride, height });
        }
        Ok(Self { start, width, height, stride, owner: PhantomData })
    }

    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn row(&self, y: usize) -> &'a [T] {
        assert!(y < self.height, "a row beyond the image");
        // SAFETY: the row lies within the image, whose end is an address by the check in `new`; it may be read by the
        // promise of its caller.
        unsafe { slice::from_raw_parts(self.start.byte_add(y * self.stride), self.width) }
    }

    /// All pixels, where the rows have no gap between them.
    fn whole(&self) -> Option<&'a [T]> {
        let has_gaps = self.height > 1 && self.stride != self.width * size_of::<T>();
        // SAFETY: without gaps the rows are one piece of memory, for which the same holds as for each of them.
        (!has_gaps).then(|| unsafe { slice::from_raw_parts(self.start, self.width * self.height) })
    }

    /// All pixels, row by row: where they are, or, where rows have gaps between them, in `kept`, whose memory is reused.
    pub fn pixels<'b>(&self, kept: &'b mut Vec<T>) -> &'b [T]
    where
        'a: 'b,
    {
        if let Some(whole) = self.whole() {
            return whole;
        }
        kept.clear();
        (0..self.height).for_each(|y| kept.extend_from_slice(self.row(y)));
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    fn refusal<T: Copy>(start: *const T, size: (usize, usize), stride: usize) -> Status {
        // SAFETY: no image is made of what is refused.
        unsafe { Image::new("it", start, size, stride) }.err().map_or(Status::Ok, |failure| failure.status())
    }

    #[test]
    fn rows_are_found_with_and_without_gaps() {
        let memory: Vec<u16> = (0..20).collect();
        let of = |width, height, stride| {
            // SAFETY: the images below lie within the memory.
            unsafe { Image::new("it", memory.as_ptr(), (width, height), stride) }.unwrap()
        };
        let mut kept = Vec::new();
        assert_eq!(of(3, 2, 0).pixels(&mut kept), [0, 1, 2, 3, 4, 5]);
        assert_eq!(of(3, 2, 6).pixels(&mut kept), [0, 1, 2, 3, 4, 5]);
        assert_eq!(of(4, 1, 40).pixels(&mut kept), [0, 1, 2, 3]);
        assert_eq!(kept.capacity(), 0, "rows without gaps are not copied");
        assert_eq!(of(3, 2, 20).pixels(&mut kept), [0, 1, 2, 10, 11, 12]);
        // The last row ends with the memory.
        assert_eq!(of(2, 2, 36).pixels(&mut kept), [0, 1, 18, 19]);
    }

    #[test]
    fn what_no_image_can_be_is_refused() {
        let memory = [[0f32; 3]; 16];
        let start = memory.as_ptr();
        assert_eq!(refusal(std::ptr::null::<[f32; 3]>(), (4, 4), 0), Status::NullPointer);
        assert_eq!(refusal(start.wrapping_byte_add(2), (4, 4), 0), Status::Misaligned);
        for size in [(0, 4), (4, 0), (8193, 1), (1, 8193), (8192, 8192), (usize::MAX, 2)] {
            assert_eq!(refusal(start, size, 0), Status::ImageSize, "{size:?}");
        }
        assert_eq!(refusal(start, (4, 4), 47), Status::Stride);
        assert_eq!(refusal(start, (4, 4), 50), Status::Misaligned);
        for stride in [usize::MAX - 3, usize::MAX / 2 - 3, isize::MAX as usize / 4 * 4, usize::MAX / 8 * 4] {
            assert_eq!(refusal(start, (4, 4), stride), Status::Stride, "{stride}");
        }
        assert_eq!(refusal(std::ptr::without_provenance::<u8>(usize::MAX - 11), (4, 4), 0), Status::Stride);
        assert_eq!(refusal(start, (4, 4), 48), Status::Ok);
    }
}
