//! Checks of real-time limits, kernel, clock and processor.

use rustix::process::{Resource, getrlimit};

use super::finding::Finding;
use super::system::System;
use crate::config::Station;
use crate::config::reject::Actuator;

/// Bit numbers of Linux capabilities.
const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_NICE: u32 = 23;
/// Locked memory that is enough for the program with its largest engine.
const LOCKED_BYTES_MIN: u64 = 2 << 30;
/// Clock sources that are read without a slow access to a device.
const GOOD_CLOCKS: [&str; 5] =
    ["tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page", "riscv_clocksource"];
const LIMITS_FIX: &str =
    "run it as its service, which sets the limit (systemd/install.sh); for a shell, add to /etc/security/limits.d:";

pub fn examine(system: &System, station: Option<&Station>) -> Vec<Finding> {
    let default = Actuator::default();
    let actuator = station.map_or(&default, |station| &station.actuator);
    let mut findings = vec![priority(system, actuator), memory_lock(system, actuator)];
    findings.extend([throttling(system), kernel(system), clock(system), governor(system), service(system)]);
    findings
}

fn has_capability(system: &System, bit: u32) -> bool {
    let status = system.read("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> bit & 1 == 1)
}

fn priority(system: &System, actuator: &Actuator) -> Finding {
    let name = "realtime.priority";
    let wanted = u64::from(actuator.priority);
    let limit = getrlimit(Resource::Rtprio).current.unwrap_or(u64::MAX);
    if limit >= wanted || has_capability(system, CAP_SYS_NICE) {
        return Finding::ok(name, format!("the actuator may run at SCHED_FIFO {wanted}"));
    }
    let found =
        format!("actuator.priority is {wanted}, but the limit is {limit}: the actuator would run at normal priority");
    Finding::warning(name, found, format!("{LIMITS_FIX} \"@crosscheck - rtprio {wanted}\""))
}

fn memory_lock(system: &System, actuator: &Actuator) -> Finding {
    let name = "realtime.memory_lock";
    if !actuator.lock_memory {
        return Finding::note(name, "actuator.lock_memory is off: memory may be swapped out");
    }
    let limit = getrlimit(Resource::Memlock).current.unwrap_or(u64::MAX);
    if limit >= LOCKED_BYTES_MIN || has_capability(system, CAP_IPC_LOCK) {
        return Finding::ok(name, "memory may be locked");
    }
    let found = format!("at most {} kB may be locked: memory could be swapped out", limit / 1024);
    Finding::warning(name, found, format!("{LIMITS_FIX} \"@crosscheck - memlock unlimited\""))
}

/// Checks the share of each period that the kernel gives to real-time threads; beyond it they are paused.
fn throttling(system: &System) -> Finding {
    let name = "realtime.throttling";
    let number = |path| system.read(path).and_then(|text| text.parse::<i64>().ok());
    let (runtime, period) =
        (number("/proc/sys/kernel/sched_rt_runtime_us"), number("/proc/sys/kernel/sched_rt_period_us"));
    match (runtime, period) {
        (Some(runtime), Some(period)) if runtime >= 0 && runtime < period / 2 => Finding::warning(
            name,
            format!("real-time threads get {runtime} us of every {period} us"),
            "sysctl kernel.sched_rt_runtime_us=950000",
        ),
        (Some(_), Some(_)) => Finding::ok(name, "the kernel's limit on real-time threads does not slow the actuator"),
        _ => Finding::note(name, "the kernel does not report its limit on real-time threads"),
    }
}

fn kernel(system: &System) -> Finding {
    let name = "kernel";
    let version = system.read("/proc/version").unwrap_or_default();
    let release = system.read("/proc/sys/kernel/osrelease").unwrap_or_default();
    if system.read("/sys/kernel/realtime").as_deref() == Some("1") || version.contains("PREEMPT_RT") {
        return Finding::ok(name, format!("{release}, PREEMPT_RT"));
    }
    Finding::note(
        name,
        format!(
            "{release} without PREEMPT_RT: an edge may be late by a millisecond or more under load; if that is too much, install a PREEMPT_RT kernel"
        ),
    )
}

fn clock(system: &System) -> Finding {
    let name = "clock";
    let folder = "/sys/devices/system/clocksource/clocksource0";
    match system.read(&format!("{folder}/current_clocksource")) {
        Some(clock) if GOOD_CLOCKS.contains(&clock.as_str()) => Finding::ok(name, clock),
        Some(clock) => {
            let available = system.read(&format!("{folder}/available_clocksource")).unwrap_or_default();
            let fix = format!(
                "boot with tsc=reliable, or with clocksource= and one of {GOOD_CLOCKS:?}; available are: {available}"
            );
            Finding::warning(name, format!("{clock} is slow to read and may jump"), fix)
        }
        None => Finding::note(name, "the kernel does not report its clock source"),
    }
}

fn governor(system: &System) -> Finding {
    let name = "processor";
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match system.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        Some(governor) if governor != "performance" => Finding::warning(
            name,
            format!("{cores} cores, frequency governor {governor}: inspection times vary with the load"),
            "cpupower frequency-set -g performance (on a Jetson: nvpmodel -m 0 and jetson_clocks)",
        ),
        Some(_) => Finding::ok(name, format!("{cores} cores at full frequency")),
        None => Finding::ok(name, format!("{cores} cores; this system cannot set their frequency")),
    }
}

fn service(system: &System) -> Finding {
    let name = "service";
    if system.has("/etc/systemd/system/crosscheck@.service") {
        return Finding::ok(name, "crosscheck@.service is installed");
    }
    Finding::note(name, "crosscheck@.service is not installed: systemd/install.sh installs it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Status;

    /// A system that has only these files.
    fn system(files: &[(&str, &str)]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().unwrap();
        let system = System::at(root.path());
        for (path, text) in files {
            let path = system.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        (root, system)
    }

    #[test]
    fn a_capability_is_read_from_its_bit() {
        let (_root, nice) = system(&[("/proc/self/status", "Name:\tx\nCapEff:\t0000000000800000\n")]);
        assert!(has_capability(&nice, CAP_SYS_NICE) && !has_capability(&nice, CAP_IPC_LOCK));
        let (_root, bare) = system(&[]);
        assert!(!has_capability(&bare, CAP_SYS_NICE));
        let actuator = Actuator::default();
        assert_eq!(priority(&nice, &actuator).status, Status::Ok);
    }

    #[test]
    fn a_slow_clock_is_found() {
        let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        assert_eq!(clock(&system(&[(path, "tsc\n")]).1).status, Status::Ok);
        let finding = clock(&system(&[(path, "acpi_pm\n")]).1);
        assert!(finding.status == Status::Warning && finding.found.contains("acpi_pm") && finding.fix.is_some());
    }

    #[test]
    fn a_powersaving_processor_is_found() {
        let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
        assert_eq!(governor(&system(&[(path, "performance")]).1).status, Status::Ok);
        assert_eq!(governor(&system(&[(path, "powersave")]).1).status, Status::Warning);
    }

    #[test]
    fn throttled_real_time_is_found() {
        let (runtime, period) = ("/proc/sys/kernel/sched_rt_runtime_us", "/proc/sys/kernel/sched_rt_period_us");
        let with = |us| throttling(&system(&[(runtime, us), (period, "1000000")]).1).status;
        assert_eq!((with("950000"), with("-1"), with("100000")), (Status::Ok, Status::Ok, Status::Warning));
    }
}
