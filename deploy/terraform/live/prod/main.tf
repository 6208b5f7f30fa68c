# prod only ships its logs: the shipper needs no role in AWS. What its account pays for them (network, volumes) is exported for lokiops. If prod lies in the
# account of ops, the export of ops has its costs already: leave this out.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70, < 7.0"
    }
  }
}

# Data Exports answers in us-east-1 only.
provider "aws" {
  region = "us-east-1"
}

module "costs" {
  source = "../../modules/log-cost-export"

  name_prefix           = "${var.organisation}-logging-prod"
  cluster               = "prod"
  cost_center           = var.cost_center
  reader_principal_arns = var.cost_reader_arns
}
