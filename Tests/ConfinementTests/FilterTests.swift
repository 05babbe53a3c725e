import Testing
@testable import Confinement
