import { GRAPH_APP_ID } from "@entrain/connectors/entra";
import { ConnectorError } from "@entrain/core";
import type { CloudEntry } from "../config/document.ts";
import { addLine, type Setup } from "./plan.ts";

export const SCRIPTS = ["azure-cli", "powershell", "terraform"] as const;
export type ScriptKind = (typeof SCRIPTS)[number];

/** What a script is saved as. */
export const SCRIPT_FILES: { readonly [K in ScriptKind]: string } = {
  "azure-cli": "entrain-setup.sh",
  powershell: "entrain-setup.ps1",
  terraform: "entrain-setup.tf",
};

/** The scripts that work in a cloud: none where its addresses are its own, which no tool knows; and where `usgov-dod` has a Graph of its own, the Azure CLI speaks to that of `usgov`. */
export function scriptsFor({ kind }: CloudEntry): readonly ScriptKind[] {
  if (kind === "custom") return [];
  return kind === "usgov-dod" ? SCRIPTS.filter((script) => script !== "azure-cli") : SCRIPTS;
}

/**
 * A script that registers the application with the setup's permissions, consents, and leaves the secret in a file. `now` is
 * when it is made, in milliseconds UTC.
 * @throws ConnectorError `usage` for one that does not work in the setup's cloud
 */
export function scriptOf(kind: ScriptKind, setup: Setup, now: number): string {
  const cloud = setup.cloud.kind;
  const others = scriptsFor(setup.cloud);
  if (cloud === "custom" || !others.includes(kind)) {
    const message = `The ${kind} script does not work in ${cloud}, whose Microsoft Graph it does not speak to.`;
    const without = "Follow the steps, which the command prints without --script, or take --device-code.";
    const fix = others.length === 0 ? without : `Take another one: ${others.join(" or ")}.`;
    throw new ConnectorError("usage", message, { stops: "run", retry: "never", fix });
  }
  if (kind === "azure-cli") return azureCli(setup, AZURE_CLOUDS[cloud]);
  if (kind === "powershell") return powershell(setup, GRAPH_ENVIRONMENTS[cloud]);
  return terraform(setup, TERRAFORM_ENVIRONMENTS[cloud], now);
}

type Names = { readonly [K in Exclude<CloudEntry["kind"], "custom">]: string };
const AZURE_CLOUDS: Names = {
  global: "AzureCloud",
  usgov: "AzureUSGovernment",
  "usgov-dod": "AzureUSGovernment",
  china: "AzureChinaCloud",
};
const GRAPH_ENVIRONMENTS: Names = {
  global: "Global",
  usgov: "USGov",
  "usgov-dod": "USGovDoD",
  china: "China",
};
const TERRAFORM_ENVIRONMENTS: Names = {
  global: "global",
  usgov: "usgovernmentl4",
  "usgov-dod": "usgovernmentl5",
  china: "china",
};

const DAY_MS = 86_400_000;
const NEEDS =
  "Needs the Entra role Privileged Role Administrator (with Application Administrator), or Global Administrator.";

function audience({ multiTenant }: Setup): string {
  return multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg";
}

/**
 * "az ad app", "az ad sp", "az rest". Consent is given by "Grant an appRoleAssignment to a service principal", because `az ad app
 * permission admin-consent` works in the global cloud alone, for people alone, and not in Cloud Shell.
 */
function azureCli(setup: Setup, cloud: string): string {
  const { displayName, tenant, permissions, redirectUris, credential, days } = setup;
  const redirects = redirectUris.length === 0 ? "" : ` --web-redirect-uris ${redirectUris.map(quoted).join(" ")}`;
  const secret = `az ad app credential reset --id "$client" --append --display-name Entrain \\
  --end-date "$ends" --query password --output tsv > entrain-secret.txt`;
  const certificate = `openssl req -x509 -newkey rsa:3072 -nodes -days ${days} -subj /CN=Entrain \\
  -keyout entrain.pem -out entrain-public.pem 2>/dev/null
az ad app credential reset --id "$client" --append --display-name Entrain --cert @entrain-public.pem \\
  --end-date "$ends" --output none
cat entrain-public.pem >> entrain.pem`;
  return `#!/usr/bin/env bash
# Registers an application for Entrain with the least permissions that it needs. Read it, then run it.
# ${NEEDS}
set -euo pipefail
umask 077
# What was just made takes a while to be known everywhere.
again() {
  for attempt in 1 2 3 4 5 6; do
    "$@" && return
    sleep 10
  done
  return 1
}
make_principal() {
  az ad sp show --id "$client" --query id --output tsv 2>/dev/null || az ad sp create --id "$client" --query id --output tsv
}
grant() {
  az rest --method POST --url "$assignments" --headers Content-Type=application/json --output none \\
    --body "{\\"principalId\\":\\"$principal\\",\\"resourceId\\":\\"$resource\\",\\"appRoleId\\":\\"$1\\"}" && return
  # What was granted before cannot be granted again.
  [ -n "$(az rest --url "$assignments" --query "value[?appRoleId=='$1'].id | [0]" --output tsv)" ]
}
graph=${GRAPH_APP_ID}
az cloud set --name ${cloud}
az login --tenant ${quoted(tenant ?? "TENANT-ID")} --allow-no-subscriptions --output none
address=$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)
resource=$(az ad sp show --id "$graph" --query id --output tsv)
client=$(az ad app create --display-name ${quoted(displayName)} --sign-in-audience ${audience(setup)}${redirects} \\
  --query appId --output tsv)
principal=$(again make_principal)
assignments="\${address%/}/v1.0/servicePrincipals/$principal/appRoleAssignments"
for permission in ${permissions.join(" ")}; do
  id=$(az ad sp show --id "$graph" --query "appRoles[?value=='$permission'].id | [0]" --output tsv)
  az ad app permission add --id "$client" --api "$graph" --api-permissions "$id=Role" --only-show-errors
  again grant "$id" || { echo "$permission could not be granted; grant it on the application's API permissions page." >&2; exit 1; }
done
ends=$(date -u -d "+${days} days" +%Y-%m-%d 2>/dev/null || date -u -v+${days}d +%Y-%m-%d)
${credential === "secret" ? secret : certificate}
echo "Now connect it:"
echo "  ${addLine(setup, "$client", fileOf(credential))}"
`;
}

/** "New-MgApplication", "New-MgServicePrincipalAppRoleAssignment". */
function powershell(setup: Setup, environment: string): string {
  const { displayName, tenant, permissions, redirectUris, credential, days } = setup;
  const texts = (all: readonly string[]): string => `@(${all.map(quotedForPowerShell).join(", ")})`;
  const secret = `$password = Add-MgApplicationPassword -ApplicationId $application.Id -PasswordCredential @{
  displayName = 'Entrain'; endDateTime = (Get-Date).ToUniversalTime().AddDays(${days})
}
Save-Secret entrain-secret.txt $password.SecretText`;
  const certificate = `$rsa = [System.Security.Cryptography.RSA]::Create(3072)
$request = [System.Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=Entrain', $rsa, 'SHA256', 'Pkcs1')
$certificate = $request.CreateSelfSigned((Get-Date).AddDays(-1), (Get-Date).AddDays(${days}))
Update-MgApplication -ApplicationId $application.Id -KeyCredentials @(@{
  type = 'AsymmetricX509Cert'; usage = 'Verify'; displayName = 'Entrain'; key = $certificate.RawData
})
Save-Secret entrain.pem ($certificate.ExportCertificatePem() + "\`n" + $rsa.ExportPkcs8PrivateKeyPem())`;
  return `# Registers an application for Entrain with the least permissions that it needs. Read it, then run it in PowerShell 7.3 or later.
# ${NEEDS}
#Requires -Version 7.3
#Requires -Modules Microsoft.Graph.Applications
$ErrorActionPreference = 'Stop'
# Writes into a file that was made for nobody but you.
function Save-Secret([string] $Name, [string] $Text) {
  $path = Join-Path $PWD.ProviderPath $Name
  if (Test-Path -LiteralPath $path) { Remove-Item -LiteralPath $path -Force }
  $options = [System.IO.FileStreamOptions]@{ Mode = 'CreateNew'; Access = 'Write' }
  if (-not $IsWindows) { $options.UnixCreateMode = [System.IO.UnixFileMode]'UserRead, UserWrite' }
  [System.IO.FileStream]::new($path, $options).Dispose()
  if ($IsWindows) {
    $me = [System.Security.Principal.WindowsIdentity]::GetCurrent().Name
    icacls $path /inheritance:r /grant:r "\${me}:F" | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "$path could not be kept from others." }
  }
  [System.IO.File]::WriteAllText($path, $Text)
}
Connect-MgGraph -NoWelcome -Environment ${environment} -TenantId ${quotedForPowerShell(tenant ?? "TENANT-ID")} -Scopes 'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All'
$graph = Get-MgServicePrincipal -Filter "appId eq '${GRAPH_APP_ID}'"
$roles = foreach ($name in ${texts(permissions)}) {
  $role = $graph.AppRoles | Where-Object { $_.Value -eq $name }
  if ($null -eq $role) { throw "Microsoft Graph has no application permission $name." }
  $role
}
$application = New-MgApplication -DisplayName ${quotedForPowerShell(displayName)} -SignInAudience ${audience(setup)} \`
  -Web @{ redirectUris = ${texts(redirectUris)} } \`
  -RequiredResourceAccess @(@{
    resourceAppId = '${GRAPH_APP_ID}'
    resourceAccess = @($roles | ForEach-Object { @{ id = $_.Id; type = 'Role' } })
  })
$principal = New-MgServicePrincipal -AppId $application.AppId
foreach ($role in $roles) {
  New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id \`
    -PrincipalId $principal.Id -ResourceId $graph.Id -AppRoleId $role.Id | Out-Null
}
${credential === "secret" ? secret : certificate}
Write-Host "Now connect it:"
Write-Host "  ${addLine(setup, "$($application.AppId)", fileOf(credential))}"
`;
}

/**
 * The provider hashicorp/azuread, version 3. It does not heed the relative end of an application's password, which then lasts
 * two years: the end is a fixed one, without fractions of a second.
 */
function terraform(setup: Setup, environment: string, now: number): string {
  const { displayName, tenant, permissions, redirectUris, credential, days } = setup;
  const ends = new Date(now + days * DAY_MS).toISOString().replace(/\.\d+Z$/, "Z");
  const list = (all: readonly string[]): string => `[${all.map((one) => JSON.stringify(one)).join(", ")}]`;
  const secret = `# Another end makes another secret.
resource "azuread_application_password" "entrain" {
  application_id = azuread_application.entrain.id
  display_name   = "Entrain"
  end_date       = "${ends}"
}

# (umask 077; terraform output -raw secret > entrain-secret.txt)
output "secret" {
  value     = azuread_application_password.entrain.value
  sensitive = true
}`;
  const certificate = `resource "tls_private_key" "entrain" {
  algorithm = "RSA"
  rsa_bits  = 3072
}

resource "tls_self_signed_cert" "entrain" {
  private_key_pem       = tls_private_key.entrain.private_key_pem
  validity_period_hours = ${days * 24}
  allowed_uses          = ["digital_signature"]
  subject {
    common_name = "Entrain"
  }
}

resource "azuread_application_certificate" "entrain" {
  application_id = azuread_application.entrain.id
  type           = "AsymmetricX509Cert"
  value          = tls_self_signed_cert.entrain.cert_pem
  end_date       = tls_self_signed_cert.entrain.validity_end_time
}

# (umask 077; terraform output -raw certificate > entrain.pem)
output "certificate" {
  value     = "\${tls_self_signed_cert.entrain.cert_pem}\${tls_private_key.entrain.private_key_pem_pkcs8}"
  sensitive = true
}`;
  return `# Registers an application for Entrain with the least permissions that it needs: terraform init, then terraform apply.
# ${NEEDS}
# Terraform's state holds the ${credential === "secret" ? "secret" : "private key"} in plain text: keep it where nobody else may read it, never in version control.
terraform {
  required_providers {
${[providerOf("azuread", "~> 3.0"), ...(credential === "certificate" ? [providerOf("tls", "~> 4.0")] : [])].join("\n")}
  }
}

provider "azuread" {
  environment = "${environment}"
  tenant_id   = ${JSON.stringify(tenant ?? "TENANT-ID")}
}

locals {
  permissions = ${list(permissions)}
}

data "azuread_service_principal" "graph" {
  client_id = "${GRAPH_APP_ID}"
}

resource "azuread_application" "entrain" {
  display_name     = ${JSON.stringify(displayName)}
  sign_in_audience = "${audience(setup)}"

  web {
    redirect_uris = ${list(redirectUris)}
  }

  required_resource_access {
    resource_app_id = data.azuread_service_principal.graph.client_id

    dynamic "resource_access" {
      for_each = local.permissions
      content {
        id   = data.azuread_service_principal.graph.app_role_ids[resource_access.value]
        type = "Role"
      }
    }
  }
}

resource "azuread_service_principal" "entrain" {
  client_id = azuread_application.entrain.client_id
}

resource "azuread_app_role_assignment" "entrain" {
  for_each            = toset(local.permissions)
  app_role_id         = data.azuread_service_principal.graph.app_role_ids[each.value]
  principal_object_id = azuread_service_principal.entrain.object_id
  resource_object_id  = data.azuread_service_principal.graph.object_id
}

${credential === "secret" ? secret : certificate}

# ${addLine(setup, "CLIENT", fileOf(credential))}
output "client" {
  value = azuread_application.entrain.client_id
}
`;
}

/** A provider, with the versions that the script is written for. */
function providerOf(name: string, version: string): string {
  return `    ${name} = {
      source  = "hashicorp/${name}"
      version = "${version}"
    }`;
}

function fileOf(credential: Setup["credential"]): string {
  return credential === "secret" ? "entrain-secret.txt" : "entrain.pem";
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function quotedForPowerShell(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
