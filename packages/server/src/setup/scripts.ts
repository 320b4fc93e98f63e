import { GRAPH_APP_ID } from "@entrain/connectors/entra";
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

/** A script that registers the application with the setup's permissions, consents, and leaves the secret in a file. */
export function scriptOf(kind: ScriptKind, setup: Setup): string {
  return kind === "azure-cli" ? azureCli(setup) : kind === "powershell" ? powershell(setup) : terraform(setup);
}

type Names = { readonly [K in CloudEntry["kind"]]: string };
const AZURE_CLOUDS: Names = {
  global: "AzureCloud",
  usgov: "AzureUSGovernment",
  "usgov-dod": "AzureUSGovernment",
  china: "AzureChinaCloud",
  custom: "AzureCloud",
};
const GRAPH_ENVIRONMENTS: Names = {
  global: "Global",
  usgov: "USGov",
  "usgov-dod": "USGovDoD",
  china: "China",
  custom: "Global",
};
const TERRAFORM_ENVIRONMENTS: Names = {
  global: "global",
  usgov: "usgovernmentl4",
  "usgov-dod": "usgovernmentl5",
  china: "china",
  custom: "global",
};

const NEEDS =
  "Needs the Entra role Privileged Role Administrator (with Application Administrator), or Global Administrator.";

function audience({ multiTenant }: Setup): string {
  return multiTenant ? "AzureADMultipleOrgs" : "AzureADMyOrg";
}

/** "az ad app", "az ad sp". */
function azureCli(setup: Setup): string {
  const { displayName, tenant, cloud, permissions, redirectUris, credential, days } = setup;
  const redirects = redirectUris.length === 0 ? "" : ` --web-redirect-uris ${redirectUris.map(quoted).join(" ")}`;
  const secret = `az ad app credential reset --id "$client" --append --display-name Entrain \\
  --end-date "$ends" --query password --output tsv > entrain-secret.txt`;
  const certificate = `openssl req -x509 -newkey rsa:3072 -nodes -days ${days} -subj /CN=Entrain \\
  -keyout entrain.pem -out entrain-public.pem 2>/dev/null
az ad app credential reset --id "$client" --append --display-name Entrain --cert @entrain-public.pem --output none
cat entrain-public.pem >> entrain.pem`;
  return `#!/usr/bin/env bash
# Registers an application for Entrain with the least permissions that it needs. Read it, then run it.
# ${NEEDS}
set -euo pipefail
umask 077
graph=${GRAPH_APP_ID}
az cloud set --name ${AZURE_CLOUDS[cloud.kind]}
az login --tenant ${quoted(tenant ?? "TENANT-ID")} --allow-no-subscriptions --output none
client=$(az ad app create --display-name ${quoted(displayName)} --sign-in-audience ${audience(setup)}${redirects} \\
  --query appId --output tsv)
az ad sp create --id "$client" --output none
for permission in ${permissions.join(" ")}; do
  id=$(az ad sp show --id "$graph" --query "appRoles[?value=='$permission'].id | [0]" --output tsv)
  az ad app permission add --id "$client" --api "$graph" --api-permissions "$id=Role" --only-show-errors
done
# What was just made takes a while to be known everywhere.
for attempt in 1 2 3 4 5 6; do
  az ad app permission admin-consent --id "$client" && break
  [ "$attempt" -lt 6 ] || { echo "Consent failed; grant it on the application's API permissions page." >&2; exit 1; }
  sleep 10
done
${credential === "secret" ? `ends=$(date -u -d "+${days} days" +%Y-%m-%d 2>/dev/null || date -u -v+${days}d +%Y-%m-%d)\n${secret}` : certificate}
echo "Now connect it:"
echo "  ${addLine(setup, "$client", fileOf(credential))}"
`;
}

/** "New-MgApplication", "New-MgServicePrincipalAppRoleAssignment". */
function powershell(setup: Setup): string {
  const { displayName, tenant, cloud, permissions, redirectUris, credential, days } = setup;
  const texts = (all: readonly string[]): string => `@(${all.map(quotedForPowerShell).join(", ")})`;
  const secret = `$password = Add-MgApplicationPassword -ApplicationId $application.Id -PasswordCredential @{
  displayName = 'Entrain'; endDateTime = (Get-Date).ToUniversalTime().AddDays(${days})
}
Set-Content -Path entrain-secret.txt -Value $password.SecretText -NoNewline`;
  const certificate = `$rsa = [System.Security.Cryptography.RSA]::Create(3072)
$request = [System.Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=Entrain', $rsa, 'SHA256', 'Pkcs1')
$certificate = $request.CreateSelfSigned((Get-Date).AddDays(-1), (Get-Date).AddDays(${days}))
Update-MgApplication -ApplicationId $application.Id -KeyCredentials @(@{
  type = 'AsymmetricX509Cert'; usage = 'Verify'; displayName = 'Entrain'; key = $certificate.RawData
})
Set-Content -Path entrain.pem -Value ($certificate.ExportCertificatePem() + "\`n" + $rsa.ExportPkcs8PrivateKeyPem())`;
  return `# Registers an application for Entrain with the least permissions that it needs. Read it, then run it in PowerShell 7.
# ${NEEDS}
#Requires -Modules Microsoft.Graph.Applications
$ErrorActionPreference = 'Stop'
Connect-MgGraph -NoWelcome -Environment ${GRAPH_ENVIRONMENTS[cloud.kind]} -TenantId ${quotedForPowerShell(tenant ?? "TENANT-ID")} -Scopes 'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All'
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

/** The provider hashicorp/azuread. */
function terraform(setup: Setup): string {
  const { displayName, tenant, cloud, permissions, redirectUris, credential, days } = setup;
  const list = (all: readonly string[]): string => `[${all.map((one) => JSON.stringify(one)).join(", ")}]`;
  const secret = `resource "azuread_application_password" "entrain" {
  application_id    = azuread_application.entrain.id
  display_name      = "Entrain"
  end_date_relative = "${days * 24}h"
}

# terraform output -raw secret > entrain-secret.txt
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

# terraform output -raw certificate > entrain.pem
output "certificate" {
  value     = "\${tls_self_signed_cert.entrain.cert_pem}\${tls_private_key.entrain.private_key_pem_pkcs8}"
  sensitive = true
}`;
  return `# Registers an application for Entrain with the least permissions that it needs: terraform init, then terraform apply.
# ${NEEDS}
terraform {
  required_providers {
    azuread = {
      source = "hashicorp/azuread"
    }${credential === "certificate" ? '\n    tls = {\n      source = "hashicorp/tls"\n    }' : ""}
  }
}

provider "azuread" {
  environment = "${TERRAFORM_ENVIRONMENTS[cloud.kind]}"
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
