# Where the state is comes from a file that is not here: terraform init -backend-config=backend.hcl (see backend.hcl.example). The bucket must be
# versioned: an old version of the state is the way out of a broken one. Rolling back a change is reverting its commit and applying.
terraform {
  backend "s3" {}
}
