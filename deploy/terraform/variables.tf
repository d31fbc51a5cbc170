variable "region" {
  type        = string
  description = "Region of the VPC, such as eu-de."
}

variable "name" {
  type        = string
  description = "Name of the instance; those of its volume and security group begin with it."
  default     = "sbs"
}

variable "subnet" {
  type        = string
  description = "Name of the subnet; it says VPC, zone and resource group too."
}

variable "image" {
  type        = string
  description = "Name of the runtime's image, of the very version that the contract is encrypted to."
}

variable "profile" {
  type        = string
  description = "Profile of the instance; Secure Execution ones have an e, as bz2e-2x8."
  default     = "bz2e-2x8"
}

variable "contract" {
  type        = string
  description = "Path of user-data.yaml, encrypted and signed; 64 KiB at most."
  default     = "user-data.yaml"
}

variable "developers" {
  type        = string
  description = "Addresses that may reach the server, as a CIDR block."
}

variable "capacity" {
  type        = number
  description = "Size of the data volume in GB; images and layers are on it too."
  default     = 100
}
