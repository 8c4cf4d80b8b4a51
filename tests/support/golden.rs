//! The golden data (tests/golden/README.md).

use safetensors::SafeTensors;

/// One file of tests/golden.
pub struct Golden {
    bytes: Vec<u8>,
}

impl Golden {
    pub fn open(name: &str) -> Self {
        let path = format!("{}/tests/golden/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        Self { bytes: std::fs::read(path).unwrap() }
    }

    pub fn raw(&self, name: &str) -> Vec<u8> {
        SafeTensors::deserialize(&self.bytes).unwrap().tensor(name).unwrap().data().to_vec()
    }

    pub fn f32(&self, name: &str) -> Vec<f32> {
        self.raw(name).as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }

    pub fn f64(&self, name: &str) -> Vec<f64> {
        self.raw(name).as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
    }

    pub fn i32(&self, name: &str) -> Vec<usize> {
        self.raw(name).as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b) as usize).collect()
    }
}
