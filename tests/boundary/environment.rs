//! The environment of a program that is setuid: its caller's, and so not obeyed.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A user other than root: `nobody` on most systems.
const CALLER: &str = "65534";

/// The program, the module, a folder that only root may write to, and one that is the caller's.
struct Stage(TempDir);

impl Stage {
    fn new() -> Stage {
        let stage = Stage(tempfile::tempdir().unwrap());
        open(stage.0.path(), 0o755);
        let deps = Path::new(env!("CARGO_BIN_EXE_keyferry")).parent().unwrap().join("deps");
        fs::copy(deps.join("libkeyferry.so"), stage.at("module.so")).unwrap();
        open(&stage.at("module.so"), 0o755);
        stage.compile();
        fs::create_dir_all(stage.at("caller/.config/keyferry")).unwrap();
        let config = format!("store = 'sqlite:{}'\n", stage.at("caller/configured").display());
        fs::write(stage.at("caller/.config/keyferry/config.toml"), config).unwrap();
        fs::create_dir(stage.at("root")).unwrap();
        for (folder, owner) in [("caller", CALLER), ("root", "0")] {
            done(as_root("chown").args(["-R", owner]).arg(stage.at(folder)));
        }
        stage
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn compile(&self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"]);
        compiler.arg(root.join("pkcs11-headers")).arg(root.join("tests/c/setuid.c"));
        done(compiler.arg("-o").arg(self.at("program")).arg("-ldl"));
    }

    /// Gives the program root's rights, whoever calls it.
    fn make_setuid(&self) {
        done(as_root("chown").arg("0:0").arg(self.at("program")));
        done(as_root("chmod").arg("4755").arg(self.at("program")));
    }

    /// Runs the program as the caller with these variables, and returns what it prints.
    fn run(&self, variables: &[(&str, String)], reserved: Option<&str>) -> String {
        let mut command = as_root("setpriv");
        command.args(["--reuid", CALLER, "--regid", CALLER, "--clear-groups", "env", "-i"]);
        command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(self.at("program")).arg(self.at("module.so")).args(reserved);
        done(&mut command)
    }

    /// Every file and folder in one of the two folders.
    fn files(&self, folder: &str) -> Vec<String> {
        let found = done(as_root("find").arg(self.at(folder)).args(["-mindepth", "1"]));
        let mut found: Vec<String> = found.lines().map(str::to_owned).collect();
        found.sort();
        found
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = as_root("rm").arg("-rf").arg(self.0.path()).output();
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A command of root's.
fn as_root(program: &str) -> Command {
    let user = done(Command::new("id").arg("-u"));
    if user.trim() == "0" {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| {
        panic!("{command:?}: {e}: this test needs cc, setpriv, and root or sudo without a password")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}: this test needs root or sudo");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Variables of the caller's, each of which would be obeyed.
fn variables(stage: &Stage, folder: &str) -> Vec<Vec<(&'static str, String)>> {
    let at = |name: &str| stage.at(&format!("{folder}/{name}")).display().to_string();
    let log = ("KEYFERRY_LOG", format!("trace:{}", at("log")));
    let home = || stage.at("caller").display().to_string();
    vec![
        vec![log.clone(), ("KEYFERRY_STORE", format!("sqlite:{}", at("named")))],
        vec![log.clone(), ("KEYFERRY_CONFIG", format!("{}/.config/keyferry/config.toml", home()))],
        vec![log.clone(), ("HOME", home())],
        vec![log.clone(), ("XDG_CONFIG_HOME", format!("{}/.config", home()))],
        vec![log, ("XDG_DATA_HOME", at("data"))],
    ]
}

#[test]
fn a_setuid_program_obeys_no_variable_of_its_caller() {
    let stage = Stage::new();
    stage.make_setuid();
    let before = stage.files("caller");
    for variables in variables(&stage, "root") {
        let said = stage.run(&variables, None);
        // CKR_ARGUMENTS_BAD: no store is known
        assert_eq!(said, format!("user {CALLER} rights 0 answer 0x7 slots 0\n"), "{variables:?}");
        assert_eq!(stage.files("root"), [""; 0], "{variables:?}");
        assert_eq!(stage.files("caller"), before, "{variables:?}");
    }
}

#[test]
fn a_setuid_program_names_its_own_store() {
    let stage = Stage::new();
    stage.make_setuid();
    let own = format!("sqlite:{}", stage.at("root/own").display());
    let before = stage.files("caller");
    for variables in variables(&stage, "root") {
        let said = stage.run(&variables, Some(&own));
        assert_eq!(said, format!("user {CALLER} rights 0 answer 0x0 slots 1\n"), "{variables:?}");
        let log = stage.at("root/log").display().to_string();
        assert!(!stage.files("root").contains(&log), "{variables:?}");
        assert_eq!(stage.files("caller"), before, "{variables:?}");
    }
}

/// The contrary, or the tests above would prove nothing.
#[test]
fn a_program_with_its_callers_rights_obeys_every_variable() {
    let stage = Stage::new();
    open(&stage.at("program"), 0o755);
    for variables in variables(&stage, "caller") {
        let said = stage.run(&variables, None);
        let started = format!("user {CALLER} rights {CALLER} answer 0x0 slots 1\n");
        assert_eq!(said, started, "{variables:?}");
        let log = stage.at("caller/log").display().to_string();
        assert!(stage.files("caller").contains(&log), "{variables:?}");
        done(as_root("rm").arg("-f").arg(stage.at("caller/log")));
    }
}
