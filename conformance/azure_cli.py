#!/usr/bin/env python3
"""The command line `az`, unmodified, walks the Azure recipes of docs/byok.md.

It signs in as a service principal; sign-in, vault and Managed HSM are stand-ins (`stand_ins/`) behind their real
names. What arrives is compared with what the token says of its keys.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lib import ck
from lib.ceremony import Setting, own_folder, read_arguments
from lib.leaving import public_half
from lib.pkcs11 import Module, Session
from lib.recipes import recipes, run
from lib.report import Report, require
from stand_ins.entra import LOGIN_HOST, MANAGEMENT_HOST, TENANT, Management, SignIn
from stand_ins.key_vault import HSM_DOMAIN, VAULT_DOMAIN, KeyVault
from stand_ins.network import Network

_PINS = {"KEYFERRY_SO_PIN": "so-pin-of-your-own", "KEYFERRY_PIN": "pin-of-your-own"}
_SIGN_IN = f"az login --service-principal --username contoso --password none --tenant {TENANT} --allow-no-subscriptions"


def main() -> None:
    """Runs the recipes in the page's order."""
    setting = read_arguments(__doc__.splitlines()[0])
    vault, hsm = (KeyVault(f"contoso.{domain}") for domain in (VAULT_DOMAIN, HSM_DOMAIN))
    steps = recipes("docs/byok.md")
    with Report() as report, own_folder() as folder:
        services = {one.host: one for one in (vault, hsm)} | {LOGIN_HOST: SignIn(), MANAGEMENT_HOST: Management()}
        more = _PINS | {
            "AZURE_CONFIG_DIR": str(folder / "az"), "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        }
        programs = [setting.cli.parent, az_folder()]
        with Network(folder, services), report.group("az, as docs/byok.md has it") as group:
            for name, script in (
                ("signs in", _SIGN_IN), ("Before", steps["Before"]),
                ("Azure Key Vault", steps["Azure Key Vault"]), ("Azure Managed HSM", steps["Azure Managed HSM"]),
            ):
                with group.case(name):
                    run(script, folder, programs, more)
            with group.case("the KEK as az downloads it"):
                download = "az keyvault key download --name KEK --vault-name contoso --file KEK.pem"
                kid = "az keyvault key show --name KEK --vault-name contoso --query key.kid --output tsv"
                export = "keyferry export azure --kek KEK.pem --kid $KID --key web --force"
                run(f"{download}\nKID=$({kid})\n{export}", folder, programs, more)
        arrivals(report, setting, vault, hsm)


def az_folder() -> Path:
    """Where `az` is: in its own environment beside ours."""
    folder = Path(sys.executable).parents[2] / "conformance-az/bin"
    require((folder / "az").exists(), "az is not there; ./conformance/run az installs it")
    return folder


def arrivals(report: Report, setting: Setting, vault: KeyVault, hsm: KeyVault) -> None:
    """Each key is where it should be, and the one that the token has."""
    with Module(str(setting.module)) as module, report.group("arrived") as group:
        session = Session(module, module.find_slot("offline"))
        session.login(_PINS["KEYFERRY_PIN"])
        for label in ("signing", "web"):
            with group.case(label):
                require(vault.check_value(label) == public_half(session, label), "another key has arrived")
        with group.case("data"):
            (key,) = session.find([(ck.CKA_CLASS, ck.CKO_SECRET_KEY), (ck.CKA_LABEL, "data")])
            require(hsm.check_value("data") == session.encrypt(ck.CKM_AES_ECB, key, bytes(16)), "another key")


if __name__ == "__main__":
    main()
