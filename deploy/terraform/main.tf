# A Secure Build Server in a Hyper Protect instance of an IBM Cloud VPC: one
# instance, one data volume, one port. The contract is made before, with
# sbs-cli contract; see docs/deploy/vpc.md.
terraform {
  required_version = ">= 1.3"
  required_providers {
    ibm = {
      source  = "IBM-Cloud/ibm"
      version = ">= 1.60"
    }
  }
}

provider "ibm" {
  region = var.region # the API key comes from IC_API_KEY, not from a file
}

data "ibm_is_subnet" "server" {
  name = var.subnet
}

data "ibm_is_image" "runtime" {
  name = var.image
}

# Developers come in at 443. What the server fetches and pushes goes out.
resource "ibm_is_security_group" "server" {
  name           = "${var.name}-server"
  vpc            = data.ibm_is_subnet.server.vpc
  resource_group = data.ibm_is_subnet.server.resource_group
}

resource "ibm_is_security_group_rule" "developers" {
  group     = ibm_is_security_group.server.id
  direction = "inbound"
  remote    = var.developers
  tcp {
    port_min = 443
    port_max = 443
  }
}

resource "ibm_is_security_group_rule" "out" {
  group     = ibm_is_security_group.server.id
  direction = "outbound"
  remote    = "0.0.0.0/0"
}

# The volume outlives the instance: an update takes the instance away.
resource "ibm_is_volume" "data" {
  name           = "${var.name}-data"
  profile        = "general-purpose"
  zone           = data.ibm_is_subnet.server.zone
  capacity       = var.capacity
  resource_group = data.ibm_is_subnet.server.resource_group

  lifecycle {
    prevent_destroy = true
  }
}

resource "ibm_is_instance" "server" {
  name           = var.name
  image          = data.ibm_is_image.runtime.id
  profile        = var.profile
  vpc            = data.ibm_is_subnet.server.vpc
  zone           = data.ibm_is_subnet.server.zone
  resource_group = data.ibm_is_subnet.server.resource_group
  keys           = [] # nobody logs in
  user_data      = file(var.contract)
  volumes        = [ibm_is_volume.data.id]

  primary_network_interface {
    name            = "eth0"
    subnet          = data.ibm_is_subnet.server.id
    security_groups = [ibm_is_security_group.server.id]
  }

  # A contract counts at the first start only.
  lifecycle {
    replace_triggered_by = [terraform_data.contract]
  }
}

resource "terraform_data" "contract" {
  input = filesha256(var.contract)
}

output "address" {
  description = "What the name in the server's certificate must lead to."
  value       = ibm_is_instance.server.primary_network_interface[0].primary_ip[0].address
}
