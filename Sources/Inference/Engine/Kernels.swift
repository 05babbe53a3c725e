import CKernels

extension ck_kernels {
    /// The forms that this processor runs, the fastest first, the plain one last.
    static var all: [ck_kernels] {
        (0...).lazy.map { ck_kernels_at($0)?.pointee }.prefix { $0 != nil }.compactMap { $0 }
    }
    /// What an engine runs on.
    static var fastest: ck_kernels { all[0] }

    var title: String { String(cString: name) }
}
