//! Loads the kernels: the driver compiles their PTX for the GPU at hand, and the PTX states each kernel's parameters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cudarc::driver::{CudaContext, CudaEvent, CudaFunction, CudaModule};
use cudarc::nvrtc::Ptx;

use super::error::CudaError;

/// A kernel and the sizes of its parameters in bytes. Every launch is checked against them, as the driver is not told
/// how many arguments it gets.
pub struct Kernel {
    pub name: &'static str,
    pub function: CudaFunction,
    pub parameters: Vec<usize>,
    /// Events before and after each launch; none if launches are not timed.
    events: Mutex<Option<Vec<(CudaEvent, CudaEvent)>>>,
}

impl Kernel {
    fn of(module: &Arc<CudaModule>, ptx: &str, name: &'static str) -> Result<Self, CudaError> {
        let parameters = parameters(ptx, name).unwrap_or_else(|| unreachable!("there is no kernel {name} in its PTX"));
        let function = module.load_function(name).map_err(|source| CudaError::Kernel { name, source })?;
        Ok(Self { name, function, parameters, events: Mutex::new(None) })
    }

    fn events(&self) -> MutexGuard<'_, Option<Vec<(CudaEvent, CudaEvent)>>> {
        // A thread that panicked while it held the lock left complete pairs of events.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_timed(&self) -> bool {
        self.events().is_some()
    }

    /// Keeps the events of a timed launch.
    pub fn note(&self, start: CudaEvent, end: CudaEvent) {
        if let Some(events) = self.events().as_mut() {
            events.push((start, end));
        }
    }

    /// The times of the launches since the last call, microseconds. Waits until the launches are done.
    fn times_us(&self) -> Result<Vec<f32>, CudaError> {
        let events = self.events().replace(Vec::new()).unwrap_or_default();
        let time = |(start, end): &(CudaEvent, CudaEvent)| Ok(1e3 * start.elapsed_ms(end)?);
        events.iter().map(time).collect()
    }
}

/// The size of each parameter of a kernel in bytes, as the PTX declares it; none if there is no such kernel.
fn parameters(ptx: &str, name: &str) -> Option<Vec<usize>> {
    let (_, after) = ptx.split_once(&format!(".visible .entry {name}("))?;
    let (list, _) = after.split_once(')')?;
    let types = list.split(',').filter_map(|line| line.trim().strip_prefix(".param ."));
    types.map(|rest| rest.get(1..3)?.parse::<usize>().ok().map(|bits| bits / 8)).collect()
}

macro_rules! kernels {
    ($($family:ident: $($name:ident)+;)+) => {
        /// Every kernel, by its name.
        pub struct Kernels {
            /// The multiprocessors of the device.
            pub processors: usize,
            $($(pub $name: Kernel,)+)+
        }

        impl Kernels {
            pub fn load(context: &Arc<CudaContext>, processors: usize) -> Result<Self, CudaError> {
                $(
                    let ptx = include_str!(concat!("kernels/", stringify!($family), ".ptx"));
                    let module = context.load_module(Ptx::from_src(ptx));
                    let module =
                        module.map_err(|source| CudaError::Module { family: stringify!($family), source })?;
                    $(let $name = Kernel::of(&module, ptx, stringify!($name))?;)+
                )+
                Ok(Self { processors, $($($name,)+)+ })
            }

            fn all(&self) -> impl Iterator<Item = &Kernel> {
                [$($(&self.$name,)+)+].into_iter()
            }
        }

        /// The name, the PTX and the kernels of each family.
        #[cfg(test)]
        const NAMES: &[(&str, &str, &[&str])] = &[
            $((stringify!($family), include_str!(concat!("kernels/", stringify!($family), ".ptx")),
               &[$(stringify!($name)),+]),)+
        ];
    };
}

impl Kernels {
    /// Whether launches are timed: either all are, or none.
    pub fn are_timed(&self) -> bool {
        self.maximum.is_timed()
    }

    /// Times every launch from now on.
    pub fn time(&self) {
        self.all().for_each(|kernel| *kernel.events() = Some(Vec::new()));
    }

    /// The kernels that were launched since the last call, and the time of each launch, microseconds.
    pub fn times_us(&self) -> Result<Vec<(&'static str, Vec<f32>)>, CudaError> {
        let times = self.all().map(|kernel| Ok((kernel.name, kernel.times_us()?)));
        times.filter(|kernel| kernel.as_ref().map_or(true, |(_, times)| !times.is_empty())).collect()
    }
}

kernels! {
    components: link_runs join_runs component_sizes component_table component_extents component_mask;
    prepare: points_of_steps points_of_cloud window_points resize_table resize_columns resize_rows;
    grouping: valid_points nearest_points;
    sampling: farthest_points;
    interpolate: three_nearest valid_pixels xyz_rows rgb_rows;
    products: linear linear_large add_linear squared_lengths inner_products;
    mapping: hidden_activations discrepancy likelihood;
    anomaly: product sum smooth maximum;
    fit: bias_gelu cosine_loss add_mean gelu_backward column_sums adam;
    registration: nearest_steps registered_points;
    attention: attention;
    norm: layer_norm;
    patches: patches;
    group_encoder: group_maxima group_features position_units;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_of_the_ptx_is_known_with_its_parameters() {
        for (family, ptx, names) in NAMES {
            assert_eq!(ptx.matches(".visible .entry ").count(), names.len(), "{family}");
            for name in *names {
                let sizes = parameters(ptx, name).unwrap();
                assert!(!sizes.is_empty() && sizes.iter().all(|size| [4, 8].contains(size)), "{name}: {sizes:?}");
            }
        }
        let ptx_of = |family: &str| NAMES.iter().find(|(name, ..)| *name == family).unwrap().1;
        assert_eq!(parameters(ptx_of("anomaly"), "maximum"), Some(vec![8, 8]));
        assert_eq!(parameters(ptx_of("components"), "join_runs"), Some(vec![8, 4, 4, 8]));
        assert_eq!(parameters(ptx_of("prepare"), "maximum"), None);
    }
}
